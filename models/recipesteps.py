"""The steps of a recipe that leave the size alone; `pipelines.preprocess` does them."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """A step's settings, which nobody changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Median(Frozen):
    """Denoise with a square median filter; it removes speckle and keeps edges.

    Attributes:
        size_px: Side of the window in pixels; 3 and 5 are what OpenCV does on 16-bit pixels too.
        min_side_px: A picture with a shorter side is left alone: on a thumbnail, three pixels are a rib.
    """

    step: Literal["median"] = "median"
    size_px: Literal[3, 5] = 3
    min_side_px: int = Field(default=64, ge=1)


class Clahe(Frozen):
    """Contrast-limited adaptive histogram equalisation, always over 256 grey levels.

    Attributes:
        clip_limit: Height at which a tile's histogram is cut, relative to a flat one; above 0.
        tiles: Tiles along each side.
        min_side_px: A picture with a shorter side is left alone: a tile of a few dozen pixels has no
            histogram worth equalising, the step would draw noise.

    Source: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
    """

    step: Literal["clahe"] = "clahe"
    clip_limit: float = Field(default=2.0, gt=0)
    tiles: int = Field(default=8, ge=1, le=64)
    min_side_px: int = Field(default=128, ge=1)


class Rescale(Frozen):
    """Stretch the range between two of the picture's own percentiles to 0 ... 255, 8-bit; what lies outside is clipped.

    For volumes without a scale of their own (MR): a few bright voxels must not decide how the rest looks.

    Attributes:
        low: Percentile that becomes 0.
        high: Percentile that becomes 255; above `low`.

    Source: Nyul and Udupa, "On standardizing the MR image intensity scale", MRM 1999 (the percentiles, not the
        landmarks).
    """

    step: Literal["rescale"] = "rescale"
    low: float = Field(default=0.5, ge=0, le=100)
    high: float = Field(default=99.5, ge=0, le=100)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Rescale:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class NonLocalMeans(Frozen):
    """Denoise by averaging patches that look alike; keeps texture that a median takes away, and is slow.

    Attributes:
        strength: How unlike patches may be, in grey levels of 256; above 0.
        patch_px: Side of a patch, odd.
        search_px: Side of the area that is searched, odd.

    Source: Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR 2005.
    """

    step: Literal["non_local_means"] = "non_local_means"
    strength: float = Field(default=5.0, gt=0)
    patch_px: Literal[3, 5, 7] = 5
    search_px: Literal[11, 15, 21] = 11


class CurvatureFlow(Frozen):
    """Denoise by letting lines of equal grey shrink by their curvature: noise goes, edges stay where they are.

    Attributes:
        iterations: Steps of the flow.
        time_step: Length of each; above an eighth it is not stable on pictures, above a sixteenth not on volumes.

    Source: Sethian, "Level Set Methods and Fast Marching Methods", Cambridge 1999, chapter 16.
    """

    step: Literal["curvature_flow"] = "curvature_flow"
    iterations: int = Field(default=3, ge=1, le=50)
    time_step: float = Field(default=0.0625, gt=0, le=0.125)


class Wavelet(Frozen):
    """Denoise by shrinking wavelet coefficients, each level by a threshold of its own; pictures and volumes.

    Attributes:
        wavelet: Name of an orthogonal wavelet.
        levels: Of the decomposition; fewer where a side is too short.

    Source: Chang, Yu and Vetterli, "Adaptive wavelet thresholding for image denoising and compression", IEEE TIP 2000
        (BayesShrink).
    """

    step: Literal["wavelet"] = "wavelet"
    wavelet: Literal["db2", "db4", "sym4"] = "db2"
    levels: int = Field(default=3, ge=1, le=6)


class Gamma(Frozen):
    """Raise each value, as a share of the type's range, to a power.

    Attributes:
        exponent: Below 1 it lightens, above 1 it darkens.
    """

    step: Literal["gamma"] = "gamma"
    exponent: float = Field(gt=0, le=10)


class Landmarks(Frozen):
    """Map the picture's percentiles to fixed grey levels, linearly in between: one scale for all scanners.

    Two percentiles and what is between them is Nyul's standardisation with few landmarks; a hundred, a histogram match.
    `pipelines.preprocess.landmarks.learn_landmarks` finds the levels in a set of pictures.

    Attributes:
        percentiles: Rising, 0 to 100, at least two.
        levels: What each becomes, rising, 0 to 255.

    Source: Nyul, Udupa and Zhang, "New variants of a method of MRI scale standardization", IEEE TMI 2000.
    """

    step: Literal["landmarks"] = "landmarks"
    percentiles: tuple[float, ...] = Field(min_length=2)
    levels: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _rise_together(self) -> Landmarks:
        if len(self.percentiles) != len(self.levels):
            raise ValueError("each percentile has one level")
        for values, most in ((self.percentiles, 100), (self.levels, 255)):
            if any(one >= other for one, other in pairwise(values)) or values[0] < 0 or values[-1] > most:
                raise ValueError(f"landmarks must rise from 0 to {most} at most")
        return self


class Window(Frozen):
    """Show a window of values, as a reader sets it for CT in Hounsfield units; becomes 0 ... 255, 8-bit.

    Attributes:
        center: Middle of the window, in the image's own units.
        width: Above 0.

    Source: PS3.3 C.11.2.1.2, LINEAR_EXACT.
    """

    step: Literal["window"] = "window"
    center: float
    width: float = Field(gt=0)


class N4(Frozen):
    """Divide by the slow field that MR coils lay over an image.

    Attributes:
        shrink: By how much the image is made smaller for the fit.
        iterations: At each of the levels of the fit, coarse to fine.

    Source: Tustison et al., "N4ITK: improved N3 bias correction", IEEE TMI 2010.
    """

    step: Literal["n4"] = "n4"
    shrink: int = Field(default=4, ge=1, le=16)
    iterations: tuple[int, ...] = Field(default=(30, 20, 10), min_length=1, max_length=6)


class ZScore(Frozen):
    """Subtract the picture's own mean and divide by its own standard deviation; always the last step.

    Attributes:
        epsilon: Added to the deviation, so that a flat picture becomes zeros; above 0.
    """

    step: Literal["zscore"] = "zscore"
    epsilon: float = Field(default=1e-6, gt=0)
