"""What somebody asks of the worklist: filters, order, page."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from serve.page.packed import pack_job

Sort = Literal["priority", "record", "probability", "confidence", "modality", "model", "time", "state", "job"]
LARGEST_PAGE = 200
_IDS = "lower(hex(record) || ' ' || hex(patient))"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _blank_is_none(value: object) -> object:
    """A form sends what was left empty as an empty text; a number is no day, though pydantic reads seconds in it."""
    if isinstance(value, str) and value and not _DAY.fullmatch(value):
        raise ValueError("a day is written as 2026-11-29")
    return None if value == "" else value


Day = Annotated[
    date | None,
    BeforeValidator(_blank_is_none),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"const": ""}]}),
]
Text = Annotated[str, Field(max_length=200)]


class CaseQuery(BaseModel):
    """The query string of the list, in a browser and for machines."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    urgency: Literal["", "positive", "uncertain", "quarantined", "negative"] = Field(
        default="", description="Only cases of this urgency; all where it is empty."
    )
    state: Literal["", "open", "acknowledged", "disagreed", "mine"] = Field(
        default="", description="Only cases in this state; `mine`: assigned to who asks."
    )
    modality: Text = Field(default="", description="DICOM code of the modality.")
    model: Text = Field(default="", description="Name and version of the model, as the list shows it.")
    job: Text = Field(default="", description="The job's commitment.")
    since: Day = Field(default=None, description="First day, UTC.")
    until: Day = Field(default=None, description="Last day, UTC.")
    text: Text = Field(default="", description="Part of a record's id or of a pseudonym.")
    sort: Sort = Field(default="priority", description="Column to sort by.")
    order: Literal["up", "down"] = Field(default="up", description="Smallest first, or largest.")
    page: int = Field(default=1, ge=1, le=1_000_000, description="Page, from 1.")
    size: int = Field(default=50, ge=1, le=LARGEST_PAGE, description="Cases a page.")

    def condition(self, *, me: str, urgency: bool = True) -> tuple[str, list[Any]]:
        """The filters as a condition of SQL with its values.

        Args:
            me: Who asks.
            urgency: Whether the filter by urgency counts; the tabs show how many there are without it.
        """
        parts: list[tuple[str, Any]] = [
            *((f"{name} = ?", getattr(self, name)) for name in ("modality", "model") if getattr(self, name)),
            *([("job = ?", pack_job(self.job))] if self.job else []),
            *([("urgency = ?", self.urgency)] if self.urgency and urgency else []),
            *([("state = ?", self.state)] if self.state not in {"", "mine"} else []),
            *([("assignee = ?", me)] if self.state == "mine" else []),
            *([("time >= ?", self.since.isoformat())] if self.since else []),
            *([("substr(time, 1, 10) <= ?", self.until.isoformat())] if self.until else []),
            *(
                [("instr(lower(hex(record) || ' ' || hex(patient)), ?)", self.text.strip().lower())]
                if self.text.strip()
                else []
            ),
        ]
        return " AND ".join(part for part, _ in parts) or "TRUE", [value for _, value in parts]

    def link(self, **changed: object) -> str:
        """The query string with some parts changed; what is as by default is left out. Another filter begins anew."""
        from urllib.parse import urlencode

        moved = self.model_copy(update={"page": 1, **changed})
        kept = moved.model_dump(mode="json", exclude_defaults=True)
        return urlencode({name: value for name, value in kept.items() if value is not None})
