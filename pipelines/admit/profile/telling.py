"""The report of what was done to a study: one JSON object, without any value of any attribute."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.admit.profile.table import EDITION
from sievert import __version__
from sievert.records import Refusal

if TYPE_CHECKING:
    from pipelines.admit.profile.applying import Applied
    from pipelines.admit.profile.walking import Done
    from sievert.settings import DeidentifySettings

REPORT_SCHEMA = "sievert.deidentified/1"


@dataclass(slots=True)
class StudyReport:
    """What became of one study's files.

    Attributes:
        files: How many there were.
        patient: The pseudonym; empty where nothing was written.
        study: New StudyInstanceUID, likewise.
        written: New SOPInstanceUIDs.
        blanked: By new SOPInstanceUID: rectangles that held text (top, left, bottom, right).
        refused: By reason code and explanation: how many files.
        done: What was done to which attribute, how often.
    """

    files: int = 0
    patient: str = ""
    study: str = ""
    written: list[str] = field(default_factory=list)
    blanked: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    done: Done = field(default_factory=Counter)

    def add(self, one: Applied | Refusal) -> None:
        """Count one file's outcome."""
        self.files += 1
        if isinstance(one, Refusal):
            self.refused[one.reason.value, one.explanation] += 1
            return
        self.patient, self.study = one.patient, one.study
        self.written.append(one.instance)
        self.done.update(one.done)
        if one.blanked:
            self.blanked[one.instance] = [tuple(box) for box in one.blanked]

    def told(self, settings: DeidentifySettings) -> dict[str, Any]:
        """As JSON holds it; `docs/deidentification.md` describes it."""
        return {
            "schema": REPORT_SCHEMA,
            "profile": f"PS3.15 {EDITION} Basic Application Level Confidentiality Profile",
            "options": settings.model_dump(mode="json"),
            "sievert": __version__,
            "patient": self.patient,
            "study": self.study,
            "files": self.files,
            "written": self.written,
            "blanked": self.blanked,
            "refused": [
                {"reason": reason, "explanation": text, "files": number}
                for (reason, text), number in sorted(self.refused.items())
            ],
            "attributes": [
                {"attribute": name, "action": action.value, "count": count}
                for (name, action), count in sorted(self.done.items())
            ],
        }
