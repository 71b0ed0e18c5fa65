"""Studies on a DICOMweb server are found and fetched as the files that were sent there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.admit.reading import read_source
from pipelines.cohort.sources import find_inputs
from pipelines.places import remote
from sievert.errors import InputMissingError, StorageError
from sievert.records import Reason, Refusal
from tests.dicoms import chest, encoded, ramp
from tests.orthanc import Orthanc, find_orthanc

SENT = {
    f"1.2.{study}.{series}.{number}": encoded(
        chest(
            StudyInstanceUID=f"1.2.{study}",
            SeriesInstanceUID=f"1.2.{study}.{series}",
            SOPInstanceUID=f"1.2.{study}.{series}.{number}",
            PatientID=f"P{study}",
            Modality="DX" if study == 1 else "CR",
            PixelData=(ramp() + number).tobytes(),
        )
    )
    for study in (1, 2)
    for series in (1, 2)
    for number in (1, 2)
}


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program = find_orthanc()
    if program is None:
        pytest.skip("Orthanc is absent: run `make services`")
    server = Orthanc(program, tmp_path_factory.mktemp("orthanc"))
    for content in SENT.values():
        server.store(content)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAUSE_S", 0.01)


def uids(url: str) -> list[str]:
    return sorted(one.source.rpartition("/")[2] for one in find_inputs([url]))


def test_every_instance_is_found_and_fetched_byte_for_byte(orthanc: Orthanc) -> None:
    found = [one.source for one in find_inputs([f"dicomweb+{orthanc.dicomweb}"])]
    fetched = {source.rpartition("/")[2]: read_source(source, max_bytes=1 << 20) for source in found}
    assert set(fetched) == set(SENT)
    for uid, content in fetched.items():
        assert isinstance(content, bytes)
        assert content[-(2 * 96 * 96) :] == SENT[uid][-(2 * 96 * 96) :]


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("?ModalitiesInStudy=CR", [uid for uid in SENT if uid.startswith("1.2.2.")]),
        ("?PatientID=P1", [uid for uid in SENT if uid.startswith("1.2.1.")]),
        ("/studies/1.2.1", [uid for uid in SENT if uid.startswith("1.2.1.")]),
        ("/studies/1.2.1/series/1.2.1.2", [uid for uid in SENT if uid.startswith("1.2.1.2.")]),
        ("/studies/1.2.1/series/1.2.1.2/instances/1.2.1.2.1", ["1.2.1.2.1"]),
    ],
)
def test_a_search_a_study_a_series_and_an_instance_can_be_named(
    orthanc: Orthanc, below: str, expected: list[str]
) -> None:
    assert uids(f"dicomweb+{orthanc.dicomweb}{below}") == sorted(expected)


def test_what_is_not_there_names_nothing_or_is_refused(orthanc: Orthanc) -> None:
    with pytest.raises(InputMissingError):
        find_inputs([f"dicomweb+{orthanc.dicomweb}?PatientID=NONE"])
    gone = f"dicomweb+{orthanc.dicomweb}/studies/1.2.1/series/1.2.1.2/instances/9.9"
    refused = read_source(gone, max_bytes=1 << 20)
    assert isinstance(refused, Refusal)
    assert refused.reason == Reason.FORMAT_UNREADABLE


def test_an_instance_that_is_larger_than_allowed_is_refused(orthanc: Orthanc) -> None:
    large = f"dicomweb+{orthanc.dicomweb}/studies/1.2.1/series/1.2.1.2/instances/1.2.1.2.1"
    refused = read_source(large, max_bytes=1000)
    assert isinstance(refused, Refusal)
    assert refused.reason == Reason.FORMAT_TOO_LARGE


@pytest.mark.parametrize(("status", "wanted"), [(500, StorageError), (503, StorageError)])
def test_a_server_that_is_broken_is_no_fault_of_the_input(status: int, wanted: type[Exception]) -> None:
    with answering(status) as url, pytest.raises(wanted) as told:
        read_source(f"dicomweb+{url}/studies/1/series/2/instances/3", max_bytes=100)
    assert "127.0.0.1" not in str(told.value)


def test_the_token_is_sent_and_another_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIEVERT_DICOMWEB_TOKEN", "the-token")
    with answering(401) as url:
        refused = read_source(f"dicomweb+{url}/studies/1/series/2/instances/3", max_bytes=100)
    assert isinstance(refused, Refusal)
    assert "the-token" not in refused.explanation
    assert Broken.seen[-1] == "Bearer the-token"


class Broken(BaseHTTPRequestHandler):
    status = 500
    seen: list[str | None] = []  # noqa: RUF012 - the test's own

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class answering:  # noqa: N801 - reads as a function
    """A server on loopback that answers one status."""

    def __init__(self, status: int) -> None:
        Broken.status = status
        self._server = HTTPServer(("127.0.0.1", 0), Broken)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
