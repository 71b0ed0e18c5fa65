"""Takes noise away: non-local means with OpenCV, curvature flow with SimpleITK, wavelets with PyWavelets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from pipelines.preprocess.checks import like, refuse_volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recipe import CurvatureFlow, NonLocalMeans, Wavelet
    from pipelines.preprocess.checks import Picture

_SIXTEEN = 257.0
"""Levels of 65,536 for one of 256."""

_TO_DEVIATION = 0.6745
"""Median of the absolute values of a standard normal distribution."""


def non_local_means(step: NonLocalMeans, picture: Picture) -> Picture:
    """On the picture's own 8 or 16 bits."""
    refuse_volume("non_local_means", picture)
    sides = (step.patch_px, step.search_px)
    if picture.dtype == np.uint8:
        return cast("Picture", cv2.fastNlMeansDenoising(picture, None, step.strength, *sides))
    strength = [step.strength * _SIXTEEN]
    return cast("Picture", cv2.fastNlMeansDenoising(picture, strength, None, *sides, cv2.NORM_L1))


def curvature_flow(step: CurvatureFlow, picture: Picture) -> Picture:
    """Of pictures and volumes, spacing taken as one."""
    import SimpleITK

    itk: Any = SimpleITK
    itk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image = itk.GetImageFromArray(picture.astype(np.float32))
    flown = itk.CurvatureFlow(image, timeStep=step.time_step, numberOfIterations=step.iterations)
    return like(itk.GetArrayFromImage(flown), picture)


def wavelet(step: Wavelet, picture: Picture) -> Picture:
    """BayesShrink: the noise is told from the finest diagonal details, each band has a threshold of its own."""
    import pywt  # type: ignore[import-untyped]

    levels = min(step.levels, pywt.dwtn_max_level(picture.shape, step.wavelet))
    if levels == 0:
        return picture
    coarse, *details = pywt.wavedecn(picture.astype(np.float32), step.wavelet, level=levels)
    noise = float(np.median(np.abs(details[-1]["d" * picture.ndim]))) / _TO_DEVIATION
    shrunk = [{name: _shrunk(band, noise) for name, band in level.items()} for level in details]
    values = pywt.waverecn([coarse, *shrunk], step.wavelet)
    return like(values[tuple(slice(side) for side in picture.shape)], picture)


def _shrunk(band: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
    import pywt

    signal = np.sqrt(max(float(np.square(band).mean()) - noise**2, 0.0))
    threshold = noise**2 / signal if signal > 0 else float(np.abs(band).max())
    return np.asarray(pywt.threshold(band, threshold, mode="soft"), np.float32)
