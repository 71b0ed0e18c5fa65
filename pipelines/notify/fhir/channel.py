"""Writes notices into a FHIR server, and asks it what clinicians have acknowledged there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request

from pydantic import ValidationError

from pipelines.notify.fhir.bundle import fhir_bundle
from pipelines.notify.fhir.coding import NOTICE, task_value
from pipelines.notify.http import ask
from pipelines.notify.notice import Stage
from sievert.errors import DeliveryError, RefusedNoticeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.rpc.account import Secret
    from sievert.settings import FhirSettings

_JSON = "application/fhir+json"
_WHOM = "the FHIR server"
_AT_ONCE = 40
"""Notices asked for in one search: a URL of 4,000 characters passes everywhere."""


class FhirChannel:
    """A FHIR R4 server.

    Args:
        settings: The branch; it has a URL.
        token: Bearer token, where the server wants one.
    """

    name = "fhir"

    def __init__(self, settings: FhirSettings, token: Secret | None) -> None:
        self._settings, self._token = settings, token

    def __repr__(self) -> str:
        return "FhirChannel()"

    def deliver(self, notice: Notice) -> None:
        """Send its transaction; see `Channel`."""
        try:
            bundle = fhir_bundle(notice, patient_system=self._settings.patient_system)
        except ValidationError:
            raise RefusedNoticeError("a value of the record has no form that FHIR takes") from None
        self._ask("", bundle.model_dump_json().encode(), {"Content-Type": _JSON, "Prefer": "return=minimal"})

    def acknowledged(self, notices: Sequence[str]) -> set[str]:
        """Which of these were acknowledged: a task of theirs is completed there.

        Raises:
            DeliveryError: It could not be asked.
        """
        found: set[str] = set()
        for start in range(0, len(notices), _AT_ONCE):
            found |= self._completed(notices[start : start + _AT_ONCE])
        return found

    def _completed(self, notices: Sequence[str]) -> set[str]:
        values = {task_value(one, stage): one for one in notices for stage in Stage}
        wanted = ",".join(f"{NOTICE}|{value}" for value in values)
        query = urlencode({"identifier": wanted, "status": "completed", "_count": str(len(values))})
        answer = self._ask(f"Task?{query}", None, {})
        try:
            return {values[value] for value in _identifiers(json.loads(answer)) if value in values}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DeliveryError(f"{_WHOM} answers what is no search result") from None

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        settings = self._settings
        base = settings.url.get_secret_value().rstrip("/") if settings.url else ""
        if self._token is not None:
            headers = {**headers, "Authorization": f"Bearer {self._token.text}"}
        url = f"{base}/{path}" if path else base
        request = Request(url, data=body, headers={"Accept": _JSON, "User-Agent": "sievert", **headers})  # noqa: S310 - checked
        return ask(request, whom=_WHOM, timeout_s=settings.timeout_s)


def _identifiers(bundle: dict[str, Any]) -> list[str]:
    return [
        identifier["value"]
        for entry in bundle.get("entry", [])
        for identifier in entry["resource"].get("identifier", [])
        if identifier.get("system") == NOTICE
    ]
