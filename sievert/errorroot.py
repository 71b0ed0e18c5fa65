"""The root of the one tree of errors, which `sievert/errors.py` draws."""

from __future__ import annotations

from typing import ClassVar


class SievertError(Exception):
    """Root of the tree.

    Args:
        message: What happened, for the reader; no patient data.
        remedy: What to do next; the class's own advice where it is left out.
        record: Our id of the record concerned.
        stage: The stage that was at work (`admit`, `predict`, …).
    """

    exit_code: ClassVar[int] = 1
    advice: ClassVar[str] = "Run again with --verbose and report the traceback."

    def __init__(
        self, message: str, *, remedy: str | None = None, record: str | None = None, stage: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.advice
        self.record = record
        self.stage = stage

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.remedy, self.record, self.stage)


def _rebuild(
    kind: type[SievertError], message: str, remedy: str, record: str | None, stage: str | None
) -> SievertError:
    return kind(message, remedy=remedy, record=record, stage=stage)
