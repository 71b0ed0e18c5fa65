"""Changes how grey levels lie: gamma, landmarks, a reader's window, and the slow field of MR coils."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.recipe import N4, Gamma, Landmarks, Window
from pipelines.preprocess.checks import like
from sievert.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.preprocess.checks import Picture

_TOP = 255
_LEAST_SIDE = 8
"""Voxels along an axis that N4's fit needs."""


def gamma(step: Gamma, picture: Picture) -> Picture:
    """By a table of the type's levels."""
    if picture.dtype.kind == "f":
        raise DataError("the step gamma works on 8 or 16 bits, not on floating point")
    top = np.iinfo(picture.dtype).max
    table = np.rint((np.arange(top + 1) / top) ** step.exponent * top).astype(picture.dtype)
    return table[picture]


def landmarks(step: Landmarks, picture: Picture) -> Picture:
    """What lies beyond the outermost landmarks is clipped to their levels."""
    values, places = np.unique(np.percentile(picture, step.percentiles), return_index=True)
    levels = np.asarray(step.levels)[places]
    return cast("Picture", np.rint(np.interp(picture, values, levels)).astype(np.uint8))


def learn_landmarks(pictures: Iterable[Picture], percentiles: Sequence[float]) -> Landmarks:
    """The step that brings pictures of a kind to their mean scale.

    Args:
        pictures: Shape [row, column] or [slice, row, column] each, any range.
        percentiles: Rising, 0 to 100; the outermost become 0 and 255.

    Raises:
        DataError: There is no picture with more than one value, or the levels would not rise.
    """
    scaled = []
    for picture in pictures:
        values = np.percentile(picture, percentiles)
        if values[-1] > values[0]:
            scaled.append((values - values[0]) / (values[-1] - values[0]) * _TOP)
    if not scaled or (np.diff(np.mean(scaled, axis=0)) <= 0).any():
        raise DataError("landmarks cannot be learnt: the pictures have too few grey levels")
    return Landmarks(percentiles=tuple(percentiles), levels=tuple(np.mean(scaled, axis=0).round(4).tolist()))


def window(step: Window, picture: Picture) -> Picture:
    """LINEAR_EXACT of DICOM, to 8 bits."""
    share = (picture.astype(np.float64) - step.center) / step.width + 0.5
    return cast("Picture", np.rint(share.clip(0, 1) * _TOP).astype(np.uint8))


def n4(step: N4, picture: Picture) -> Picture:
    """The field is fitted to the smaller image inside Otsu's mask, and taken from the whole one."""
    import SimpleITK

    if min(picture.shape) < _LEAST_SIDE or picture.min() == picture.max():
        return picture
    itk: Any = SimpleITK
    itk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    low = float(picture.min())
    image = itk.GetImageFromArray(picture.astype(np.float32) - low + 1)  # the fit takes logarithms
    factors = [max(1, min(step.shrink, side // _LEAST_SIDE)) for side in image.GetSize()]
    mask = itk.OtsuThreshold(image, 0, 1, 200)
    fit = itk.N4BiasFieldCorrectionImageFilter()
    fit.SetMaximumNumberOfIterations(list(step.iterations))
    fit.Execute(itk.Shrink(image, factors), itk.Shrink(mask, factors))
    field = itk.GetArrayFromImage(itk.Exp(fit.GetLogBiasFieldAsImage(image)))
    return like((picture.astype(np.float32) - low + 1) / field - 1 + low, picture)
