"""What a DICOM image measures: the values in their own units, and how far apart its pixels lie."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.admit.dicom.frames import attempted, decode_stored, is_colour, rescaled, transformation_of
from pipelines.admit.dicom.header import says, text_of
from pipelines.admit.dicom.picture import padding_of
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
"""Where a distance between pixels may stand, the most telling first (PS3.3 10.7.1.3)."""

_SIDES = 2


def spacing_of(dataset: Dataset) -> tuple[float, float] | None:
    """How far apart rows and columns lie, in mm (PS3.3 10.7.1); None where the header does not say it in numbers.

    An enhanced object says it in its functional groups (C.7.6.16.2.1).
    """
    try:
        return next(filter(None, (_read(one, name) for one in _saying(dataset) for name in SPACINGS)), None)
    except Exception:  # noqa: BLE001 - a header that pydicom cannot read there; only a recipe may need it
        return None


def _saying(dataset: Dataset) -> Iterator[Dataset]:
    yield dataset
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in (dataset.get(groups) or [])[:1]:
            yield from (group.get("PixelMeasuresSequence") or [])[:1]


def _read(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    try:
        sides = [float(side) for side in dataset.get(keyword) or ()]
    except (TypeError, ValueError, OverflowError):  # perhaps the next one is better
        return None
    if len(sides) != _SIDES or not all(isfinite(side) and side > 0 for side in sides):
        return None
    return sides[0], sides[1]


def decode_values(dataset: Dataset) -> NDArray[np.float32] | Refusal:
    """The single frame's values after modality LUT or rescale (PS3.3 C.11.1), without window or inversion.

    Returns:
        Shape [row, column]; padding takes the least value that is none. Or why there are none: colours have no units,
        and a CT slice whose header names no rescale, or one to another unit, is in no Hounsfield units.
    """
    return attempted(lambda: _values(dataset))


def _values(dataset: Dataset) -> NDArray[np.float32] | Refusal:
    if is_colour(dataset) or not _has_units(dataset):
        return Refusal(Reason.COMPLIANCE_NO_UNITS)
    stored = decode_stored(dataset)
    if isinstance(stored, Refusal):
        return stored
    return _without_padding(dataset, stored[0], rescaled(dataset, stored)[0])


def _has_units(dataset: Dataset) -> bool:
    """PS3.3 C.8.2.1.1.2: in CT, units are HU where RescaleType does not say another."""
    if text_of(dataset, "Modality").upper() != "CT":
        return True
    transformation = transformation_of(dataset, 0) or dataset
    named = text_of(transformation, "RescaleType").upper() or "HU"
    return named == "HU" and ("RescaleSlope" in transformation or _has_table(transformation))


def _has_table(dataset: Dataset) -> bool:
    """Whether values go through a modality LUT whose outcome is in HU."""
    tables = dataset.get("ModalityLUTSequence") or []
    return bool(tables) and says(tables[0], "ModalityLUTType", "HU")


def _without_padding(dataset: Dataset, stored: NDArray[Any], values: NDArray[Any]) -> NDArray[np.float32] | Refusal:
    padding, narrow = padding_of(dataset, stored), np.asarray(values, np.float32)
    if padding.all() or not np.isfinite(narrow).all():
        return Refusal(Reason.FORMAT_CORRUPT, "Values are not finite, or all of them are padding.")
    return np.where(padding, narrow[~padding].min(), narrow)
