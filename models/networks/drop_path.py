"""Stochastic depth: residual branches that are left out in training, image by image."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


def drop_paths(branches: Sequence[nn.Module], *, share: float) -> None:
    """Leave out each branch for some of the images in training, the later the more often.

    A hook does it, so networks of other libraries can have it too and no name in their state changes.

    Args:
        branches: Modules whose output is added to a shortcut, from the input up.
        share: Of images for which the last branch is left out, 0 to 1; grows in equal steps up to it.

    Source: Huang et al., "Deep networks with stochastic depth", ECCV 2016.
    """
    if share == 0:
        return
    for number, branch in enumerate(branches, start=1):
        branch.register_forward_hook(partial(_drop, share * number / len(branches)))


def _drop(share: float, branch: nn.Module, _given: object, output: Tensor) -> Tensor | None:
    if not branch.training:
        return None
    shape = (len(output), *[1] * (output.ndim - 1))
    kept = torch.rand(shape, dtype=output.dtype, device=output.device) >= share
    return output * kept / (1 - share)
