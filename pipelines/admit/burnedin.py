"""Text in the pixels of a picture that is to be screened: refused or blanked, where the policy asks for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from models.textfinder.finding import TextFinder
    from sievert.settings import AdmitSettings

    Box = tuple[int, int, int, int]
    Boxes = tuple[Box, ...]


def treat_text(pixels: NDArray[Any], policy: AdmitSettings) -> tuple[NDArray[Any], Boxes] | Refusal:
    """Do with text in a picture what the policy says.

    Args:
        pixels: Shape [row, column], brighter is denser; left untouched.
        policy: `burned_in_text` says what to do.

    Returns:
        The picture, blanked where there was text, and the rectangles: top, left, bottom, right, the last two not
        included. Or why it is refused.
    """
    if policy.burned_in_text == "ignore":
        return pixels, ()
    boxes = _finder().find(pixels)
    if not boxes:
        return pixels, ()
    if policy.burned_in_text == "refuse":
        return Refusal(Reason.COMPLIANCE_BURNED_IN, f"Text was found in {len(boxes)} place(s) of the picture.")
    return blanked(pixels, boxes), tuple(boxes)


def blanked(pixels: NDArray[Any], boxes: Iterable[Box]) -> NDArray[Any]:
    """A copy with the least value in some rectangles.

    Args:
        pixels: Shape [row, column].
        boxes: Top, left, bottom, right, the last two not included.
    """
    copy = pixels.copy()
    for top, left, bottom, right in boxes:
        copy[top:bottom, left:right] = pixels.min()
    return copy


def require_finder() -> None:
    """Open the text finder once, before work is handed out that needs it.

    Raises:
        ModelError: Its network is missing or broken.
    """
    _finder()


@cache
def _finder() -> TextFinder:
    """One a process; policies that do not look for text do not pay for it."""
    from models.textfinder.finding import TextFinder

    return TextFinder()
