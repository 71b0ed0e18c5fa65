"""Frames: which part of a picture a step keeps, so that what a network saw can be laid back where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from pipelines.preprocess.checks import Picture

    Frame: TypeAlias = tuple[tuple[int, int], ...]
    Part: TypeAlias = tuple[tuple[float, float], ...]


def whole_frame(picture: Picture) -> Frame:
    """All of a picture: start and stop an axis, in pixels."""
    return tuple((0, side) for side in picture.shape)


def framed(frame: Frame, picture: Picture) -> Picture:
    """What lies in a frame; beyond the picture's edges it is as dark as the picture's darkest value.

    Args:
        frame: Start and stop an axis, in pixels; below 0 and above the side they lie outside.
        picture: Shape [row, column] or [slice, row, column].
    """
    if frame == whole_frame(picture):
        return picture
    sides = list(zip(frame, picture.shape, strict=True))
    inner = picture[tuple(slice(max(0, start), min(side, stop)) for (start, stop), side in sides)]
    around = [(max(0, -start), max(0, stop - side)) for (start, stop), side in sides]
    return np.pad(inner, around, constant_values=picture.min())


def whole_part(rank: int) -> Part:
    """All of an image: 0 to 1 along each axis."""
    return ((0.0, 1.0),) * rank


def narrowed(part: Part, frame: Frame, shape: tuple[int, ...]) -> Part:
    """Which part of the whole image a frame in a part of it is.

    Args:
        part: Start and stop an axis, as shares of the whole image.
        frame: Within that part, in its pixels.
        shape: Of the part, in pixels.
    """
    axes = zip(part, frame, shape, strict=True)
    return tuple(
        (low + start / side * (high - low), low + stop / side * (high - low))
        for (low, high), (start, stop), side in axes
    )
