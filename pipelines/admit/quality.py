"""Measures whether a picture is good enough to be screened, and holds the scores against the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sievert.settings import QualitySettings

    Picture = NDArray[Any]

_EXTREME = 0.005
"""How near to the end of the range, as a share of it, a value counts as cut off."""

_LONG_SIDE = 512
_FINE_PX = 1.5
_UNIFORM = 0.02
"""A row or column whose values lie closer together than this share of the range is border."""


def check_quality(pixels: Picture, limits: QualitySettings) -> dict[str, float] | Refusal:
    """Measure what the policy has a limit for.

    Args:
        pixels: Shape [row, column], uint8 or uint16, over the full range.
        limits: A score without a limit is not measured.

    Returns:
        The scores by name, each 0 to 1; or the first that is beyond its limit.
    """
    scores: dict[str, float] = {}
    small = _small(pixels) if any(getattr(limits, limit) is not None for limit in _OF_SMALL) else pixels
    for limit, (name, measure, reason) in _SCORES.items():
        allowed = getattr(limits, limit)
        if allowed is None:
            continue
        score = scores[name] = round(measure(small if limit in _OF_SMALL else pixels), 4)
        if score > allowed if limit.startswith("max") else score < allowed:
            side = "at most" if limit.startswith("max") else "at least"
            return Refusal(reason, f"Its {name} is {score}; the policy asks for {side} {allowed}.")
    return scores


def _small(pixels: Picture) -> Picture:
    """At most 512 pixels a side, as shares of the full range: scores must not depend on how finely a plate was read."""
    scale = min(1.0, _LONG_SIDE / max(pixels.shape))
    sized = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    return np.asarray(sized / np.float32(np.iinfo(pixels.dtype).max), np.float32)


def saturated(pixels: Picture) -> float:
    """Share of pixels at the bright end of the range."""
    return float((pixels >= np.iinfo(pixels.dtype).max * (1 - _EXTREME)).mean())


def clipped(pixels: Picture) -> float:
    """Share of pixels at the dark end of the range."""
    return float((pixels <= np.iinfo(pixels.dtype).max * _EXTREME).mean())


def field(small: Picture) -> float:
    """Share of the area within the outermost rows and columns that are not uniform."""
    sides = [np.flatnonzero(np.ptp(small, axis=axis) > _UNIFORM) for axis in (0, 1)]
    if any(side.size == 0 for side in sides):
        return 0.0
    return float(np.prod([side[-1] - side[0] + 1 for side in sides]) / small.size)


def contrast(small: Picture) -> float:
    """Standard deviation, as a share of the full range."""
    return float(small.std())


def sharpness(small: Picture) -> float:
    """Share of the standard deviation that a Gaussian of 1.5 pixels takes away."""
    fine = small - cv2.GaussianBlur(small, (0, 0), _FINE_PX)
    return float(fine.std() / max(float(small.std()), 1e-6))


_SCORES: dict[str, tuple[str, Callable[[Picture], float], Reason]] = {
    "max_saturated": ("saturated share", saturated, Reason.COMPLIANCE_SATURATED),
    "max_clipped": ("clipped share", clipped, Reason.COMPLIANCE_CLIPPED),
    "min_field": ("field", field, Reason.COMPLIANCE_COLLIMATED),
    "min_contrast": ("contrast", contrast, Reason.COMPLIANCE_BLANK),
    "min_sharpness": ("sharpness", sharpness, Reason.COMPLIANCE_OUT_OF_FOCUS),
}
_OF_SMALL = frozenset({"min_field", "min_contrast", "min_sharpness"})
