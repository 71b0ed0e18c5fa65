"""Turns DICOM series into de-identified NIfTI volumes and a manifest, as training and screening read them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from pydicom.dataset import Dataset

from pipelines.admit.dicom.parsing import parse_dicom
from pipelines.admit.reading import read_source
from pipelines.admit.series.assembling import Assembled, assemble
from pipelines.admit.series.slices import read_slices
from pipelines.cohort.ids import Pseudonyms
from pipelines.results.disk import disk_errors
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipelines.admit.series.grouping import Series
    from pipelines.admit.series.slices import Slice
    from pipelines.admit.series.volume import Volume
    from sievert.settings import AdmitSettings

MANIFEST = "manifest.csv"
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SHORT = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one series.

    Attributes:
        series: Its pseudonym, which names its file.
        patient: Its patient's pseudonym.
        modality: DICOM code, or empty.
        body_part: DICOM term, or empty.
        files: How many files it was read from.
        reason: Why there is no volume; None where there is one.
        explanation: The reason in words.
        shape: Slices, rows and columns of the volume.
        spacing_mm: Between slices, rows and columns.
        resampled: Whether it was interpolated.
        tilt_deg: Of the slices against their stack.
        gaps_mm: The least and the greatest distance between slices.
    """

    series: str
    patient: str
    modality: str
    body_part: str
    files: int
    reason: str | None = None
    explanation: str | None = None
    shape: tuple[int, int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    resampled: bool | None = None
    tilt_deg: float | None = None
    gaps_mm: tuple[float, float] | None = None


def convert_series(
    found: Sequence[Series], to: Path, *, identity_key: bytes, policy: AdmitSettings
) -> Iterator[Converted]:
    """Write a volume for each series, one in memory at a time; one that is there already is left as it is.

    Args:
        found: As `group_series` found them.
        to: Folder for `PSEUDONYM.nii.gz`, `PSEUDONYM.json` and, at the end, `manifest.csv`.
        identity_key: The site's.
        policy: What is admitted.

    Raises:
        StorageError: The folder cannot be written.
    """
    pseudonyms, written = Pseudonyms(identity_key), []
    with disk_errors("the folder could not be made"):
        to.mkdir(parents=True, exist_ok=True)
    for series in found:
        about = _about(series, pseudonyms)
        done = _read_earlier(to, about) or _convert(series, about, to, policy)
        written.append(done)
        yield done
    _write_manifest(to, [one for one in written if one.reason is None])


def _about(series: Series, pseudonyms: Pseudonyms) -> Converted:
    name, (patient, issuer) = pseudonyms.series(series.uid), series.patient
    return Converted(
        series=name,
        patient=pseudonyms.patient(patient, issuer) if patient else pseudonyms.unnamed_patient(name),
        modality=series.modality,
        body_part=series.body_part,
        files=len(series.sources),
    )


def _read_earlier(to: Path, about: Converted) -> Converted | None:
    """What an earlier run made of the same series from as many files."""
    try:
        told = json.loads((to / f"{about.series}.json").read_bytes())
        earlier = Converted(**told)
    except (OSError, ValueError, TypeError):
        return None
    there = (to / f"{about.series}.nii.gz").exists() and earlier.files == about.files
    return earlier if there else None


def _convert(series: Series, about: Converted, to: Path, policy: AdmitSettings) -> Converted:
    made = _assembled(series, policy)
    if isinstance(made, Refusal):
        return Converted(**{**asdict(about), "reason": made.reason.value, "explanation": made.explanation})
    gaps = made.stack.gaps_mm
    done = Converted(
        **{
            **asdict(about),
            "shape": made.volume.values.shape,
            "spacing_mm": tuple(round(side, 4) for side in made.volume.spacing_mm),
            "resampled": made.volume.resampled,
            "tilt_deg": round(made.stack.tilt_deg, 2),
            "gaps_mm": (round(min(gaps), 3), round(max(gaps), 3)),
        }
    )
    _write(to / f"{about.series}.nii.gz", encode_nifti(made.volume))
    _write(to / f"{about.series}.json", json.dumps(asdict(done), indent=1).encode())
    return done


def _assembled(series: Series, policy: AdmitSettings) -> Assembled | Refusal:
    slices: list[Slice] = []
    for source in series.sources:
        read = _slices(source, policy)
        if isinstance(read, Refusal):
            return read
        slices += read
        if sum(one.values.size for one in slices) > policy.max_voxels:
            return Refusal(Reason.FORMAT_TOO_LARGE)
    return assemble(slices, policy)


def _slices(source: str, policy: AdmitSettings) -> list[Slice] | Refusal:
    content = read_source(source, max_bytes=policy.max_file_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's quote header values
        parsed = content if isinstance(content, Refusal) else parse_dicom(content, policy)
        return read_slices(parsed) if isinstance(parsed, Dataset) else parsed


def encode_nifti(volume: Volume) -> bytes:
    """A volume as NIfTI-1, gzip-compressed: whole numbers as int16, others as float32, RAS as the format wants it."""
    values = volume.values.transpose(2, 1, 0)
    whole = bool((values == np.rint(values)).all()) and values.min() >= _SHORT.min and values.max() <= _SHORT.max
    image = nib.Nifti1Image(values.astype(np.int16 if whole else np.float32), _LPS_TO_RAS @ volume.affine)
    image.header.set_xyzt_units("mm")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=4) as file:
        file.write(image.to_bytes())
    return packed.getvalue()


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all."""
    draft = file.with_suffix(".draft")
    with disk_errors("a volume could not be written"):
        draft.write_bytes(content)
        draft.replace(file)


def _write_manifest(to: Path, done: Sequence[Converted]) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("source", "patient", "modality", "body_part"))
    rows.writerows((f"{one.series}.nii.gz", one.patient, one.modality, one.body_part) for one in done)
    _write(to / MANIFEST, text.getvalue().encode())
