from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RTPlanStorage,
    generate_uid,
)
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from serve.api.backend import LocalBackend
from serve.listener.storage import FAILED, NOT_UNDERSTOOD, OUT_OF_RESOURCES, STORED, DicomListener
from sievert.branchserve import DicomListenerSettings, ServeSettings
from sievert.errors import ConfigError, DiskFullError, ModelMissingError, PortTakenError
from tests.dicoms import PATIENT, chest
from tests.onlinebackend import Online

ALLOWED = ("ROOM1", "ROOM2")


def settings(**changes: object) -> ServeSettings:
    dicom = DicomListenerSettings.model_validate({"allowed": ALLOWED, "max_associations": 2, **changes})
    return ServeSettings(dicom=dicom, timeout_s=20, drain_s=2)


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def listening(backend: LocalBackend, about: ServeSettings | None = None) -> Iterator[int]:
    with running_loop() as loop:
        listener = DicomListener(backend, loop, about or settings())
        port = listener.start()
        try:
            yield port
        finally:
            listener.stop()


@contextmanager
def associated(port: int, *, title: str = "ROOM1", called: str = "SIEVERT") -> Iterator[Association]:
    entity = AE(title)
    entity.add_requested_context(Verification)
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, [ExplicitVRLittleEndian])
    entity.add_requested_context(RTPlanStorage)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def sent(port: int, dataset: Dataset, **who: str) -> int | None:
    with associated(port, **who) as association:
        assert association.is_established
        status = association.send_c_store(dataset).get("Status")
        return None if status is None else int(status)


def test_an_instance_is_sealed_before_success_is_answered(online: Online) -> None:
    online.new()
    with listening(online.backend) as port:
        assert sent(port, chest()) == STORED
        (record,) = online.new()
    assert (record["outcome"], record["modality"], record["declared_by"]) == ("screened", "DX", "header")


def test_an_echo_is_answered(online: Online) -> None:
    with listening(online.backend) as port, associated(port) as association:
        assert association.send_c_echo().Status == STORED


def test_what_the_policy_refuses_is_stored_with_its_reason(online: Online) -> None:
    online.new()
    with listening(online.backend) as port:
        assert sent(port, chest(BodyPartExamined="KNEE")) == STORED
    (record,) = online.new()
    assert record["outcome"] == "quarantined"
    assert record["reason"].startswith("scope.")


def test_bytes_that_are_no_data_set_are_not_understood_and_on_record(online: Online) -> None:
    online.new()
    with listening(online.backend) as port, associated(port) as association:
        status = _store_bytes(association, b"\x13garbage" * 99)
    assert status == NOT_UNDERSTOOD
    assert [record["outcome"] for record in online.new()] == ["quarantined"]


def _request(content: bytes) -> C_STORE:
    from io import BytesIO

    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID = DigitalXRayImageStorageForPresentation
    request.AffectedSOPInstanceUID = generate_uid(entropy_srcs=["garbage"])
    request.DataSet = BytesIO(content)
    return request


def _context(association: Association) -> int:
    found = [
        one.context_id
        for one in association.accepted_contexts
        if one.abstract_syntax == DigitalXRayImageStorageForPresentation
    ]
    assert found[0] is not None
    return found[0]


def _store_bytes(association: Association, content: bytes) -> int:
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(_request(content), _context(association))
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    assert isinstance(answer, C_STORE)
    assert answer.Status is not None
    return answer.Status


@pytest.mark.parametrize("who", [{"title": "FOREIGN"}, {"called": "OTHER"}])
def test_a_foreign_title_gets_no_association(online: Online, who: dict[str, str]) -> None:
    with listening(online.backend) as port, associated(port, **who) as association:
        assert association.is_rejected


def test_what_no_model_screens_is_not_negotiated(online: Online) -> None:
    with listening(online.backend) as port, associated(port) as association:
        accepted = {one.abstract_syntax for one in association.accepted_contexts}
    assert accepted == {Verification, DigitalXRayImageStorageForPresentation}


def test_an_implicit_data_set_is_screened_as_well(online: Online) -> None:
    online.new()
    entity = AE("ROOM2")
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, [ImplicitVRLittleEndian])
    dataset = chest()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    with listening(online.backend) as port:
        association = entity.associate("127.0.0.1", port, ae_title="SIEVERT")
        assert association.send_c_store(dataset).Status == STORED
        association.release()
    assert [record["outcome"] for record in online.new()] == ["screened"]


def test_two_associations_send_at_once_and_a_third_is_refused(online: Online) -> None:
    online.new()
    with listening(online.backend) as port, associated(port) as one, associated(port, title="ROOM2") as two:
        with associated(port) as three:
            assert three.is_rejected
        results: list[int] = []
        threads = [
            threading.Thread(target=lambda held=held: results.append(held.send_c_store(chest()).Status))
            for held in (one, two)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [STORED, STORED]
    assert len(online.new()) == 2


def test_many_instances_of_one_association_are_each_sealed(online: Online) -> None:
    online.new()
    with listening(online.backend) as port, associated(port) as association:
        assert [association.send_c_store(chest()).Status for _ in range(20)] == [STORED] * 20
    assert len(online.new()) == 20


def test_an_object_above_the_limit_ends_its_association_and_leaves_no_record(online: Online) -> None:
    online.new()
    narrow = settings(max_pdu_bytes=4096).model_copy(update={"max_body_bytes": 10_000})
    with listening(online.backend, narrow) as port:
        assert sent(port, chest()) in (None, OUT_OF_RESOURCES)
        assert _idle(port)
    assert online.new() == []


def _idle(port: int) -> bool:
    """Whether the place of an association becomes free again."""
    for _ in range(100):
        with associated(port) as one, associated(port) as two:
            if one.is_established and two.is_established:
                return True
        time.sleep(0.1)
    return False


def test_an_abort_amid_an_object_leaves_no_record_and_the_listener_goes_on(online: Online) -> None:
    online.new()
    with listening(online.backend) as port:
        with associated(port) as association:
            context = _context(association)
            _send_half(association, context)
            association.abort()
        assert _idle(port)
        assert online.new() == []
        assert sent(port, chest()) == STORED


def _send_half(association: Association, context: int) -> None:
    from pynetdicom.dimse_messages import C_STORE_RQ

    message = C_STORE_RQ()
    message.primitive_to_message(_request(bytes(50_000)))
    message.context_id = context
    for number, part in enumerate(message.encode_msg(context, 4096)):
        if number < 4:
            association.dul.send_pdu(part)
    time.sleep(0.3)


def test_a_pdu_of_a_gigabyte_is_not_waited_for(online: Online) -> None:
    with listening(online.backend) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(struct.pack(">BBL", 1, 0, 1 << 30) + bytes(100))
        assert raw.recv(100) == b""


def test_bytes_of_another_protocol_do_not_stop_the_listener(online: Online) -> None:
    with listening(online.backend) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sent(port, chest()) == STORED


class _Failing(LocalBackend):
    def __init__(self, online: Online, error: Exception) -> None:
        self.models, self._error = online.backend.models, error

    async def screen(self, *_: object, **__: object) -> NoReturn:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"),
    [(DiskFullError("no space is left"), OUT_OF_RESOURCES), (ValueError(PATIENT), FAILED)],
)
def test_a_record_that_cannot_be_kept_is_no_success(online: Online, error: Exception, status: int) -> None:
    with listening(_Failing(online, error)) as port:
        assert sent(port, chest()) == status


def test_no_log_says_whose_image_it_was(online: Online, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listening(_Failing(online, ValueError(PATIENT))) as port:
        dataset = chest()
        sent(port, dataset)
    mine = [one.getMessage() for one in caplog.records]
    assert any("0x0110" in text for text in mine)
    assert not [text for text in mine if "DOE" in text or dataset.SOPInstanceUID in text or "ROOM1" in text]


def test_without_anybody_who_may_send_it_does_not_start(online: Online) -> None:
    with running_loop() as loop, pytest.raises(ConfigError, match="nobody"):
        DicomListener(online.backend, loop, ServeSettings())


def test_a_model_that_is_not_served_is_said(online: Online) -> None:
    with running_loop() as loop, pytest.raises(ModelMissingError):
        DicomListener(online.backend, loop, settings(model="other"))


def test_a_port_that_is_taken_is_said(online: Online) -> None:
    with listening(online.backend) as port, running_loop() as loop:
        second = DicomListener(online.backend, loop, settings(port=port))
        with pytest.raises(PortTakenError):
            second.start()


def test_every_instance_is_counted_as_http_would_have_answered_it(
    online: Online, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, int]] = []

    def count(service: str, status: int, seconds: float) -> None:
        assert seconds > 0
        counted.append((service, status))

    with running_loop() as loop:
        listener = DicomListener(online.backend, loop, settings(), answered=count)
        port = listener.start()
        sent(port, chest())
        monkeypatch.setattr(online.backend, "screen", _full)
        sent(port, chest())
        listener.stop()
    assert counted == [("C-STORE", 200), ("C-STORE", 503)]


async def _full(*_: object, **__: object) -> NoReturn:
    raise DiskFullError("no space")
