"""How networks that were drawn for 224 px read thumbnails, so that their maps do not vanish.

The rule goes by axis: what a paper draws holds for every axis of at least `THUMBNAIL_PX`; a shorter one, such as the
sides of a MedMNIST image or the slices of a thin volume, is narrowed later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from models.networks.blocks import MAX_POOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

THUMBNAIL_PX = 64
"""An axis shorter than this is a thumbnail's."""


def by_axis(shape: Sequence[int], *, paper: int, thumbnail: int) -> tuple[int, ...]:
    """One number an axis: the paper's, or the thumbnail's where the axis is short."""
    return tuple(thumbnail if side < THUMBNAIL_PX else paper for side in shape)


def pool_where_large(shape: Sequence[int], *, padding: int = 0) -> nn.Module:
    """Max pooling, three wide and two apart, along the axes that are no thumbnail's; nothing where all are.

    Args:
        shape: Of the network's input, in pixels.
        padding: Of the pooling, in pixels.
    """
    if max(shape) < THUMBNAIL_PX:
        return nn.Identity()
    return MAX_POOLS[len(shape)](
        by_axis(shape, paper=3, thumbnail=1),
        by_axis(shape, paper=2, thumbnail=1),
        by_axis(shape, paper=padding, thumbnail=0),
    )
