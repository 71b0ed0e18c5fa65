"""Does a recipe's steps with OpenCV, one plain function a step; pictures and volumes alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import singledispatch
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipe import (
    N4,
    Clahe,
    Crop,
    CurvatureFlow,
    Fit,
    Gamma,
    Landmarks,
    LungField,
    Median,
    NonLocalMeans,
    Pad,
    Recipe,
    Resample,
    Rescale,
    Resize,
    Wavelet,
    Window,
    ZScore,
)
from pipelines.preprocess.checks import eight_bit, refuse_volume
from pipelines.preprocess.contrast import gamma, landmarks, n4, window
from pipelines.preprocess.cropping import crop, fit, pad
from pipelines.preprocess.denoising import curvature_flow, non_local_means, wavelet
from pipelines.preprocess.framing import framed, narrowed, whole_part
from pipelines.preprocess.lungs import lung_field
from pipelines.preprocess.resampling import Scaling, bind_spacing, resize_picture, resize_volume, scale
from sievert.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.recipe import Step
    from pipelines.preprocess.framing import Frame, Part
    from pipelines.preprocess.resampling import Spacing

_PIXEL_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16))
_RANKS = (2, 3)
_BYTE = 255
_TO_EIGHT_BITS = (Rescale, Window, Landmarks)
_OF_FLOATS = (N4, CurvatureFlow, Wavelet, Resample, Crop, Pad, Fit)

Picture = NDArray[Any]
Timed = Callable[[str], AbstractContextManager[None]]


def _untimed(step: str) -> AbstractContextManager[None]:  # noqa: ARG001 - a stopwatch's signature
    return nullcontext()


def apply_recipe(
    pixels: Picture, recipe: Recipe, *, spacing_mm: Spacing = None, timed: Timed = _untimed
) -> NDArray[np.float32]:
    """Turn one admitted picture or volume into what the network reads.

    Steps run on the picture's own integers until the z-score, so an 8-bit picture is rounded exactly as
    OpenCV rounds it. A 16-bit one becomes 8-bit at CLAHE, see there.

    Args:
        pixels: Shape [row, column] or [slice, row, column], uint8 or uint16 in any byte order; left untouched. Before
            a rescale, finite floating point too.
        recipe: What to do.
        spacing_mm: How far apart pixels lie, an axis, in mm; None where that is not known.
        timed: Entered around each step with the step's name.

    Returns:
        Shape [1, row, column] or [1, slice, row, column].

    Raises:
        DataError: `pixels` has another shape or type, or no pixel at all; a step is none of volumes; or one needs a
            spacing and there is none.
    """
    return apply_and_locate(pixels, recipe, spacing_mm=spacing_mm, timed=timed)[0]


def apply_and_locate(
    pixels: Picture, recipe: Recipe, *, spacing_mm: Spacing = None, timed: Timed = _untimed
) -> tuple[NDArray[np.float32], Part]:
    """Do a recipe as `apply_recipe` does, and say which part of the image came out.

    Returns:
        What `apply_recipe` gives; and start and stop an axis, as shares of the image: 0 and 1 where nothing was cut or
        laid around, below 0 or above 1 where something was laid around.

    Raises:
        DataError: As for `apply_recipe`.
    """
    steps, final = _parted(recipe)
    picture, part = _do(steps, pixels, spacing_mm, timed)
    return _finished(picture[None], final, timed), part


def apply_recipe_to_channels(
    pixels: Picture, recipe: Recipe, *, spacing_mm: Spacing = None, timed: Timed = _untimed
) -> NDArray[np.float32]:
    """Do a recipe on each channel by itself, but the z-score over all channels together, as training does.

    Args:
        pixels: Shape [channel, row, column] or [channel, slice, row, column]; otherwise as for `apply_recipe`.
        recipe: What to do.
        spacing_mm: As for `apply_recipe`.
        timed: As for `apply_recipe`.

    Returns:
        The same shape, but for the size.

    Raises:
        DataError: As for `apply_recipe`.
    """
    steps, final = _parted(recipe)
    return _finished(np.stack([_do(steps, channel, spacing_mm, timed)[0] for channel in pixels]), final, timed)


def _parted(recipe: Recipe) -> tuple[list[Step], list[Step]]:
    """What is done on each channel by itself, and the z-score, if there is one."""
    *others, last = recipe.steps
    return (others, [last]) if isinstance(last, ZScore) else ([*others, last], [])


def _finished(picture: Picture, final: Sequence[Step], timed: Timed) -> NDArray[np.float32]:
    for step in final:
        with timed(step.step):
            picture = _apply(step, picture)
    return np.ascontiguousarray(picture, dtype=np.float32)


def prepare_channels(pixels: Picture, recipe: Recipe, *, spacing_mm: Spacing = None) -> NDArray[np.uint8]:
    """Do a recipe up to, not including, the z-score: what augmentation works on.

    What is still 16-bit then is stretched from its own range to 0 ... 255; the z-score that follows undoes the stretch.

    Args:
        pixels: As for `apply_recipe_to_channels`.
        recipe: What to do.
        spacing_mm: As for `apply_recipe`.

    Returns:
        The same shape, but for the size.

    Raises:
        DataError: As for `apply_recipe`.
    """
    steps = [step for step in recipe.steps if not isinstance(step, ZScore)]
    return np.stack([eight_bit(_do(steps, channel, spacing_mm)[0]) for channel in pixels])


def trace_recipe(pixels: Picture, recipe: Recipe, *, spacing_mm: Spacing = None) -> Iterator[tuple[str, Picture]]:
    """Do a recipe step by step, as `apply_recipe` does it, and show what each one made.

    Args:
        pixels: As for `apply_recipe`.
        recipe: What to do.
        spacing_mm: As for `apply_recipe`.

    Yields:
        A step's name and the picture after it; the first is `admitted` and the picture as it came.

    Raises:
        DataError: As for `apply_recipe`.
    """
    picture = _checked(pixels, may_float=_reads_floats(recipe.steps))
    yield "admitted", picture
    for step in [bind_spacing(step, spacing_mm) for step in recipe.steps]:
        frame = _frame(step, picture)
        picture = _apply(step, picture) if frame is None else framed(frame, picture)
        yield step.step, picture


def _do(steps: Sequence[Step], pixels: Picture, spacing_mm: Spacing, timed: Timed = _untimed) -> tuple[Picture, Part]:
    picture, part = _checked(pixels, may_float=_reads_floats(steps)), whole_part(pixels.ndim)
    for step in [bind_spacing(step, spacing_mm) for step in steps]:
        with timed(step.step):
            frame = _frame(step, picture)
            part = part if frame is None else narrowed(part, frame, picture.shape)
            picture = _apply(step, picture) if frame is None else framed(frame, picture)
    return picture, part


def _reads_floats(steps: Sequence[Step]) -> bool:
    """Whether all steps before the one that makes 8 bits take floating point too, and there is such a one."""
    first = next((place for place, step in enumerate(steps) if isinstance(step, _TO_EIGHT_BITS)), None)
    return first is not None and all(isinstance(step, _OF_FLOATS) for step in steps[:first])


def _checked(pixels: Picture, *, may_float: bool) -> Picture:
    native = pixels.dtype.newbyteorder("=")
    is_float = may_float and native.kind == "f" and bool(np.isfinite(pixels).all())
    if pixels.ndim not in _RANKS or pixels.size == 0 or not (is_float or native in _PIXEL_TYPES):
        raise DataError(
            "a picture has shape [row, column] or [slice, row, column] and 8 or 16 bits, before a rescale finite "
            f"floating point too; not {pixels.shape} {native}"
        )
    return np.ascontiguousarray(pixels, dtype=native)


@singledispatch
def _apply(step: object, picture: Picture) -> Picture:
    raise TypeError(f"no step {type(step).__name__}, for {picture.shape}")


@_apply.register
def _(step: Median, picture: Picture) -> Picture:
    refuse_volume("median", picture)
    if min(picture.shape) < step.min_side_px:
        return picture
    return cast("Picture", cv2.medianBlur(picture, step.size_px))


@_apply.register
def _(step: Clahe, picture: Picture) -> Picture:
    refuse_volume("clahe", picture)
    if min(picture.shape) < step.min_side_px:
        return picture
    # Made anew for each picture: it keeps buffers and so must not be shared by threads, and making it costs a few µs.
    clahe = cv2.createCLAHE(step.clip_limit, (step.tiles, step.tiles))
    return cast("Picture", clahe.apply(eight_bit(picture)))


@_apply.register
def _(step: Rescale, picture: Picture) -> Picture:
    low, high = np.percentile(picture, [step.low, step.high])
    if low == high:  # more than nearly all of it is background: what there is besides decides
        low, high = float(picture.min()), float(picture.max())
    scaled = (picture.astype(np.float64) - low) * (_BYTE / ((high - low) or 1.0))
    return cast("Picture", np.rint(scaled.clip(0, _BYTE)).astype(np.uint8))


@_apply.register
def _(step: Resize, picture: Picture) -> Picture:
    if len(step.shape) != picture.ndim:
        raise DataError(f"a recipe that gives {len(step.shape)} dimensions cannot read {picture.ndim}")
    if picture.shape == step.shape:
        return picture
    return resize_picture(picture, step.shape) if step.slices is None else resize_volume(picture, step.shape)


@_apply.register
def _(step: ZScore, picture: Picture) -> Picture:
    values = picture.astype(np.float32)
    return cast("Picture", (values - values.mean()) / (values.std() + step.epsilon))


_apply.register(NonLocalMeans, non_local_means)
_apply.register(CurvatureFlow, curvature_flow)
_apply.register(Wavelet, wavelet)
_apply.register(Gamma, gamma)
_apply.register(Landmarks, landmarks)
_apply.register(Window, window)
_apply.register(N4, n4)
_apply.register(Scaling, scale)


@singledispatch
def _frame(step: object, picture: Picture) -> Frame | None:  # noqa: ARG001 - a step that moves no edge
    return None


_frame.register(Crop, crop)
_frame.register(LungField, lung_field)
_frame.register(Pad, pad)
_frame.register(Fit, fit)
