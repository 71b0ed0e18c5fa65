"""Lays a small heat map over an image so that cold places keep their own grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLD, WARM = 0.12, 0.75
"""Heat below COLD leaves a pixel alone; from WARM on it has the full colour."""

FIRST_COLOUR, LAST_COLOUR = 56, 214
"""Of inferno's 256 colours: dark violet and yellow."""

STRONGEST = 0.68
"""Share of the colour in a hot pixel: the anatomy below must stay readable."""


def draw_overlay(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blend an image with its heat map.

    The map is stretched over the whole image, as the recipe stretches the image over what the network reads; cells
    are centred where they lie in the image. Colours are those of inferno, whose lightness rises evenly with the heat
    in print and for colour-blind readers too; how much of them is seen follows the heat as well.

    Args:
        image: Shape [row, column], any size from 1 x 1.
        heat: Shape [row, column], any size from 1 x 1, 0 to 1; what lies outside is clipped.

    Returns:
        Shape [row, column, 3] of the image's size, red, green, blue.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017; van der Walt and Smith, "A better default colormap for
    Matplotlib", SciPy 2015.
    """
    rows, columns = image.shape
    smooth = cv2.resize(heat.astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
    smooth = np.clip(smooth, 0, 1)[..., None]
    grey = np.repeat(image[..., None], 3, axis=2)
    opacity = STRONGEST * _smoothstep((smooth - COLD) / (WARM - COLD))
    blended = grey * (1 - opacity) + _colours(smooth) * opacity
    return np.asarray(np.rint(blended), dtype=np.uint8)


def draw_scale(*, columns: int = 256, grey: int = 96) -> NDArray[np.uint8]:
    """What no heat to full heat looks like on one grey, from left to right; shape [1, column, 3]."""
    heat = np.linspace(0, 1, columns, dtype=np.float32)[None]
    return draw_overlay(np.full((1, columns), grey, np.uint8), heat)


def _colours(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Inferno without its ends, which over an X-ray look like air and like bone. Shape [row, column, 3]."""
    levels = np.rint(FIRST_COLOUR + (LAST_COLOUR - FIRST_COLOUR) * heat[..., 0]).astype(np.uint8)
    return cast("NDArray[np.uint8]", cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def _smoothstep(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 to 1 without a kink at either end, so that the coloured area has no edge that is not in the map."""
    held = np.clip(value, 0, 1)
    return cast("NDArray[np.float32]", held * held * (3 - 2 * held))
