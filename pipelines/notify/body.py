"""`sievert.notice/1`: a notice as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sievert.records import Outcome

if TYPE_CHECKING:
    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.anchor import Anchor

NOTICE_SCHEMA = "sievert.notice/1"
_ALWAYS = ("job", "index", "record", "outcome", "model")
_SCREENED = (
    "modality",
    "body_part",
    "decision",
    "diagnosis",
    "probability",
    "confidence",
    "threshold",
    "min_confidence",
)
_QUARANTINED = ("reason", "explanation")


def notice_body(notice: Notice, *, identified: bool) -> bytes:
    """The body, the same for every attempt as long as the job's anchor is.

    Args:
        notice: What is told.
        identified: Whether the pseudonym and the identity envelope go with it.
    """
    record = notice.record
    found = _SCREENED if record["outcome"] == Outcome.SCREENED else _QUARANTINED
    data: dict[str, Any] = {
        "id": notice.id,
        "stage": notice.stage.value,
        "urgency": notice.urgency.value,
        **{name: record.get(name) for name in (*_ALWAYS, *found)},
        "anchor": None if notice.anchor is None else _described(notice.anchor),
    }
    if identified:
        data |= {"patient": record["patient"], "identity": notice.identity}
    told = {
        "schema": NOTICE_SCHEMA,
        "type": f"sievert.result.{notice.stage.value}",
        "timestamp": notice.issued,
        "data": data,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _described(anchor: Anchor) -> dict[str, Any]:
    return {
        "ledger": anchor.kind,
        "chain_id": anchor.chain_id,
        "contract": anchor.contract,
        "root": anchor.root.hex(),
        "transaction": anchor.transaction,
        "block": anchor.block,
        "time": anchor.time,
    }
