"""Reads planes and values from DICOM objects: one a file, or one a frame of an enhanced object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from pipelines.admit.dicom.frames import decode_frames, is_colour
from pipelines.admit.dicom.parsing import frames_of
from pipelines.admit.series.geometry import SAME_DIRECTION, Plane
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice.

    Attributes:
        plane: Where it lies.
        values: Shape [row, column], as rescaled by the header.
    """

    plane: Plane
    values: NDArray[np.float32] = field(repr=False)


def read_slices(dataset: Dataset) -> list[Slice] | Refusal:
    """The slices of one object, in the order of its frames; or why it has none that can be placed.

    Args:
        dataset: As `parse_dicom` returned it.
    """
    try:
        return _read(dataset)
    except Exception:  # noqa: BLE001 - a value of a kind that its attribute must not have
        return Refusal(Reason.FORMAT_CORRUPT, "An attribute holds a value of the wrong kind.")


def _read(dataset: Dataset) -> list[Slice] | Refusal:
    if is_colour(dataset):
        return Refusal(Reason.COMPLIANCE_COLOUR)
    planes = [_plane(dataset, frame) for frame in range(frames_of(dataset))]
    if any(isinstance(plane, Refusal) for plane in planes):
        return next(plane for plane in planes if isinstance(plane, Refusal))
    frames = decode_frames(dataset)
    if isinstance(frames, Refusal):
        return frames
    if not np.isfinite(frames).all():
        return Refusal(Reason.FORMAT_CORRUPT, "Values are not finite.")
    known = cast("list[Plane]", planes)
    return [Slice(plane, np.asarray(frame, np.float32)) for plane, frame in zip(known, frames, strict=True)]


def _plane(dataset: Dataset, frame: int) -> Plane | Refusal:
    try:
        position = _numbers(dataset, frame, "PlanePositionSequence", "ImagePositionPatient", 3)
        turn = _numbers(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
        row_mm, column_mm = _numbers(dataset, frame, "PixelMeasuresSequence", "PixelSpacing", 2)
    except (TypeError, ValueError):
        return Refusal(Reason.COMPLIANCE_GEOMETRY, "Position, orientation or pixel spacing is missing or no number.")
    plane = Plane(
        position, turn[:3], turn[3:], float(row_mm), float(column_mm), (int(dataset.Rows), int(dataset.Columns))
    )
    return plane if _is_sound(plane) else Refusal(Reason.COMPLIANCE_GEOMETRY, "Its orientation or spacing is none.")


def _is_sound(plane: Plane) -> bool:
    """Finite, with two unit vectors at right angles (PS3.3 C.7.6.2.1.1) and spacings above zero."""
    units = np.stack([plane.along_row, plane.along_column])
    spacings = (plane.row_mm, plane.column_mm)
    return bool(
        np.isfinite(plane.position).all()
        and np.isfinite(spacings).all()
        and min(spacings) > 0
        and np.abs(units @ units.T - np.eye(2)).max() < 10 * SAME_DIRECTION
    )


def _numbers(dataset: Dataset, frame: int, group: str, keyword: str, count: int) -> NDArray[np.float64]:
    """A frame's own functional group (PS3.3 C.7.6.16.2), else the shared one, else the object's attribute."""
    own, shared = dataset.get("PerFrameFunctionalGroupsSequence"), dataset.get("SharedFunctionalGroupsSequence")
    for groups in (own[frame] if own and frame < len(own) else None, shared[0] if shared else None):
        found = groups.get(group) if groups is not None else None
        if found and keyword in found[0]:
            return _as_numbers(found[0].get(keyword), count)
    return _as_numbers(dataset.get(keyword), count)


def _as_numbers(value: object, count: int) -> NDArray[np.float64]:
    numbers = np.array([float(number) for number in cast("list[float]", value)])
    if len(numbers) != count:
        raise ValueError(count)
    return numbers
