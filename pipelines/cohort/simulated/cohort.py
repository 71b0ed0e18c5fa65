"""Writes the simulated cohort: fictional patients' radiographs, and among them one file of each defect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from pipelines.cohort.simulated.canvas import Canvas
from pipelines.cohort.simulated.defects import DEFECTS, Defect
from pipelines.cohort.simulated.encodings import Storage, attach_pixels, to_bytes
from pipelines.cohort.simulated.headers import write_header
from pipelines.cohort.simulated.patients import draw_patient
from pipelines.cohort.simulated.people import plan_visits, stream
from pipelines.results.disk import disk_errors
from sievert.errors import ConfigError
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.cohort.simulated.people import Visit
    from sievert.records import Reason

NORMAL = "normal"
PNEUMONIA = "pneumonia"

_SIZES = ((640, 640), (512, 480), (720, 688), (576, 544), (1024, 1024), (800, 768), (600, 600))
_SYNTAXES = (
    ExplicitVRLittleEndian,
    RLELossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    DeflatedExplicitVRLittleEndian,
)
_RESCALES = (None, (1.0, 0.0), (2.0, -512.0))
_BEDSIDE = {NORMAL: 0.25, PNEUMONIA: 0.7}
"""Share of pictures taken at the bedside: the ill are less often able to stand."""


@dataclass(frozen=True, slots=True)
class SimulatedStudy:
    """One file of the simulated cohort.

    Attributes:
        path: Relative to the cohort's folder.
        truth: `normal` or `pneumonia`; None where the file is not to be screened.
        defect: What is wrong with it, else None.
        expected: `screened`, or why it must be quarantined.
    """

    path: Path
    truth: str | None
    defect: str | None
    expected: Outcome | Reason


def write_simulated_cohort(folder: Path, *, studies: int = 24, seed: int = 0) -> list[SimulatedStudy]:
    """Write DICOM files as a hospital exports them: a folder a patient, in it a folder a study.

    The same seed gives the same bytes, on the same versions of the libraries.

    Args:
        folder: Where to; made where it is missing, files of the same names are replaced.
        studies: How many are to be screened, at least 1, half of them with pneumonia; one of each defect comes on top.
        seed: Of everything random, at least 0.

    Returns:
        What was written, in the order of the paths.

    Raises:
        ConfigError: `studies` or `seed` is out of range.
        StorageError: And its kinds: the folder cannot be written.
    """
    if studies < 1 or seed < 0:
        raise ConfigError(f"a simulated cohort has studies >= 1 and seed >= 0, not {studies} and {seed}")
    written = []
    for study, content in simulate_studies(studies=studies, seed=seed):
        with disk_errors("the simulated cohort could not be written"):
            (folder / study.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / study.path).write_bytes(content)
        written.append(study)
    return written


def simulate_studies(*, studies: int, seed: int) -> Iterator[tuple[SimulatedStudy, bytes]]:
    """Make the cohort's files one by one, without a disk; arguments as in `write_simulated_cohort`."""
    kinds: list[str | Defect] = [(NORMAL, PNEUMONIA)[number % 2] for number in range(studies)]
    kinds += DEFECTS
    order = stream(seed, "order").permutation(len(kinds))
    for visit, place in zip(plan_visits(len(kinds), seed=seed), order, strict=True):
        kind = kinds[place]
        path = Path(visit.folder, "IM000001.dcm")
        if isinstance(kind, Defect):
            yield SimulatedStudy(path, None, kind.name, kind.reason), kind.make(visit)
        else:
            yield SimulatedStudy(path, kind, None, Outcome.SCREENED), _chest_file(visit, kind)


def _chest_file(visit: Visit, truth: str) -> bytes:
    rng = stream(visit.seed, "storage", visit.number)
    bedside = bool(rng.random() < _BEDSIDE[truth])
    canvas = Canvas(*_SIZES[visit.number % len(_SIZES)])
    header = write_header(visit, modality="CR" if bedside else "DX", view="AP" if bedside else "PA")
    storage = Storage(
        syntax=_SYNTAXES[visit.number % len(_SYNTAXES)],
        inverted=bool(rng.random() < 0.4),  # noqa: PLR2004 - a minority, as in archives
        rescale=_RESCALES[int(rng.integers(len(_RESCALES)))] if bedside else (1.0, 0.0),
        windowed=bool(rng.integers(2)),
    )
    attach_pixels(header, draw_patient(visit, canvas, sick=truth == PNEUMONIA, bedside=bedside), storage=storage)
    return to_bytes(header, syntax=storage.syntax)
