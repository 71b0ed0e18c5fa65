"""Real DICOM files are decoded to the values that another decoder reads, or refused with a reason."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from pipelines.admit.dicom.frames import decode_frames
from pipelines.admit.dicom.parsing import parse_dicom
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings

LOSSY = 3
"""Grey levels by which decoders of lossy JPEG and of YBR may differ."""


def ours(file: Path) -> np.ndarray | Refusal:
    parsed = parse_dicom(file.read_bytes(), AdmitSettings())
    return parsed if isinstance(parsed, Refusal) else decode_frames(parsed)


def with_pydicom(file: Path) -> np.ndarray | None:
    try:
        dataset = pydicom.dcmread(file, force=True)
        values = dataset.pixel_array
        if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
            return np.asarray(apply_color_lut(values, dataset))[..., :3]
        return np.asarray(apply_modality_lut(values, dataset))
    except Exception:  # noqa: BLE001 - whatever a file makes it raise
        return None


def with_simpleitk(file: Path) -> np.ndarray | None:
    itk: Any = pytest.importorskip("SimpleITK")
    itk.ProcessObject_SetGlobalWarningDisplay(False)
    try:
        return np.asarray(itk.GetArrayFromImage(itk.ReadImage(str(file))))
    except RuntimeError:
        return None


def agree(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype == np.uint16 and other.dtype == np.uint8:
        one = one >> 8  # SimpleITK tells palettes of 16 bits in 8
    one, other = np.squeeze(one).astype(float), np.squeeze(other).astype(float)
    if one.shape != other.shape and one.ndim == other.ndim + 1:
        one = one[: 1 if other.ndim == 2 else len(other)].squeeze()  # a reader that takes the first frame alone
    return one.shape == other.shape and bool(np.abs(one - other).max(initial=0) <= LOSSY)


def test_what_any_decoder_reads_is_read_to_its_values_and_all_else_has_a_reason(shared_data: Path) -> None:
    warnings.simplefilter("ignore")
    missed, wrong = [], []
    for file in sorted(path for path in (shared_data / "dicom").rglob("*") if path.is_file()):
        references = [values for values in (with_pydicom(file), with_simpleitk(file)) if values is not None]
        decoded = ours(file)
        if isinstance(decoded, Refusal):
            assert isinstance(decoded.reason, Reason)
            missed += [file.name] * bool(references)
        elif references and not any(agree(decoded, reference) for reference in references):
            wrong.append(file.name)
    assert (missed, wrong) == ([], [])
