"""Grad-CAM without a backward pass, for networks that end in pooling and one linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from sievert.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def analytic_gradcam(
    features: NDArray[np.float32], head_weights: NDArray[np.float32], *, target: int
) -> NDArray[np.float32]:
    """Where the evidence for a class lies.

    Behind global average pooling and a linear head, the gradient of a class's logit by channel k is
    w[class, k] / (rows · columns) everywhere, so Grad-CAM's channel weights are the head's weights up to
    one factor, which the scaling to 1 takes out: the map is exact, not an approximation.

    Args:
        features: Shape [channel, row, column], the map that is pooled.
        head_weights: Shape [class, channel].
        target: The class that is explained.

    Returns:
        Shape [row, column], 0 to 1; the largest is 1 unless nothing speaks for the class, then all are 0.

    Raises:
        ModelError: The shapes do not fit, or there is no such class.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, section 3; Zhou et al., "Learning deep features for
    discriminative localization", CVPR 2016.
    """
    _check(features, head_weights, target)
    evidence = np.maximum(np.tensordot(head_weights[target], features, axes=1), 0)
    peak = evidence.max(initial=0)
    scaled = evidence / peak if peak > 0 else evidence
    return cast("NDArray[np.float32]", scaled.astype(np.float32))


def _check(features: NDArray[np.float32], head_weights: NDArray[np.float32], target: int) -> None:
    ranks = (features.ndim, head_weights.ndim)
    if ranks != (3, 2) or features.shape[0] != head_weights.shape[1]:
        raise ModelError(f"a feature map {features.shape} does not fit a head {head_weights.shape}")
    if not 0 <= target < head_weights.shape[0]:
        raise ModelError(f"the head has {head_weights.shape[0]} classes, no class {target}")
