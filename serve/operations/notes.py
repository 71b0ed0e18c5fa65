"""What is noted of a request while it is answered, for its line in the journal."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTES: ContextVar[dict[str, Any] | None] = ContextVar("notes", default=None)


def begin_notes() -> dict[str, Any]:
    """An empty sheet for the request that begins here; whatever it calls writes onto the same one."""
    notes: dict[str, Any] = {}
    _NOTES.set(notes)
    return notes


def note_study(model: str, stages: Mapping[str, float]) -> None:
    """A study of this request was screened; of several, the seconds of each stage add up."""
    notes = _NOTES.get()
    if notes is None:  # gRPC, DICOM
        return
    notes["model"] = model
    notes["studies"] = notes.get("studies", 0) + 1
    so_far = notes.setdefault("stage_ms", {})
    for stage, seconds in stages.items():
        so_far[stage] = round(so_far.get(stage, 0.0) + 1000 * seconds, 2)


def note_model(model: str) -> None:
    """The network was asked about tensors."""
    notes = _NOTES.get()
    if notes is not None:
        notes["model"] = model
