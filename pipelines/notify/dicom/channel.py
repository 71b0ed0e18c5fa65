"""Stores results as DICOM objects: by STOW-RS (PS3.18 10.5) at a DICOMweb server, or as files in a folder."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pipelines.notify.dicom.capture import secondary_capture
from pipelines.notify.dicom.source import source_image
from pipelines.notify.dicom.structured import structured_report
from pipelines.notify.http import is_final
from pipelines.results.disk import write_whole
from sievert.errors import DeliveryError, RefusedNoticeError, StorageError
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset
    from requests import Session

    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.rpc.account import Secret
    from sievert.settings import DicomSettings

_WHOM = "the DICOMweb server"
_STORED_ALREADY = 0x0111  # PS3.7 C.4.2.1.5: duplicate SOP instance


class DicomChannel:
    """A DICOMweb server, or a folder.

    Args:
        settings: The branch; it has a URL or a folder.
        token: Bearer token, where the server wants one.
    """

    name = "dicom"

    def __init__(self, settings: DicomSettings, token: Secret | None) -> None:
        self._settings, self._token = settings, token

    def __repr__(self) -> str:
        return "DicomChannel()"

    def deliver(self, notice: Notice) -> None:
        """Store report and heat map; what was no DICOM instance, or was not screened, has neither. See `Channel`."""
        objects = derived_objects(notice)
        if objects and self._settings.folder is not None:
            self._write(self._settings.folder, objects)
        if objects and self._settings.url is not None:
            self._store(self._settings.url.get_secret_value(), objects)

    def _write(self, folder: Path, objects: Sequence[Dataset]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for one in objects:
                write_whole(folder / f"{one.SOPInstanceUID}.dcm", _encoded(one), drafts=folder, mode=0o600)
        except (OSError, StorageError) as error:
            raise DeliveryError(f"the folder for DICOM results cannot be written ({type(error).__name__})") from None

    def _store(self, url: str, objects: Sequence[Dataset]) -> None:
        import requests
        from dicomweb_client import DICOMwebClient

        with self._session() as session:
            try:
                client = DICOMwebClient(url, session, timeout=self._settings.timeout_s)
                client.set_http_retry_params(retry=False)  # the queue tries again, and delays nobody else meanwhile
                answer = client.store_instances(list(objects))
            except requests.HTTPError as error:
                raise _refusal(error.response.status_code if error.response is not None else None) from None
            except Exception as error:  # noqa: BLE001 - what the library raises of an answer that it does not understand
                raise DeliveryError(f"{_WHOM} cannot be reached ({type(error).__name__})") from None
        _require_stored(answer)

    def _session(self) -> Session:
        import requests

        session = requests.Session()
        session.trust_env = False  # no proxy, no .netrc: the token goes to the server alone
        if self._token is not None:
            session.headers["Authorization"] = f"Bearer {self._token.text}"
        return session


def derived_objects(notice: Notice) -> list[Dataset]:
    """The objects of a notice: a Structured Report, and a Secondary Capture where there is a heat map."""
    source = source_image(notice)
    if source is None or notice.record["outcome"] != Outcome.SCREENED:
        return []
    capture = secondary_capture(notice, source)
    return [structured_report(notice, source), *([capture] if capture is not None else [])]


def _require_stored(answer: Dataset) -> None:
    """Every object is there, by what the server says of each (PS3.18 10.5.3)."""
    failed: Any = answer.get("FailedSOPSequence") or []
    if any(int(one.get("FailureReason", 0)) != _STORED_ALREADY for one in failed):
        raise RefusedNoticeError(f"{_WHOM} stores not every object")


def _refusal(status: int | None) -> DeliveryError:
    told = f"{_WHOM} answers with HTTP {status}"
    return RefusedNoticeError(told) if status is not None and is_final(status) else DeliveryError(told)


def _encoded(made: Dataset) -> bytes:
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()
