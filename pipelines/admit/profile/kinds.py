"""What an attribute is called and how its value is represented, from pydicom's dictionary (PS3.6)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.tag import Tag

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

FIXED = frozenset("AT FD FL SL SS SV UL US UV".split())
"""Numbers of a fixed length."""
BYTES = frozenset("OB OD OF OL OV OW UN".split())
TEXT = frozenset("LO LT SH ST UC UT".split())
DATED = frozenset("DA DT TM".split())

_META = 0x0002
_PADDING = 0xFFFC


@functools.cache
def name_of(tag: int) -> str:
    """The keyword; the tag of what has none."""
    known = Tag(tag)
    return keyword_for_tag(known) or f"({known.group:04X},{known.element:04X})"


def vr_of(dataset: Dataset, tag: BaseTag) -> str:
    """How a value is represented: as the file says, where the dictionary does not contradict it.

    A number's representation can hold any bytes: a file that claims one for what is no number is not believed.
    """
    said, known = dataset.get_item(tag).VR, _dictionary(tag)
    if said is None or said == "UN":
        return str(dataset[tag].VR)  # the file does not say: pydicom looks it up, and writes it if need be
    return "UN" if said in FIXED and said not in known else str(said)


@functools.cache
def _dictionary(tag: int) -> tuple[str, ...]:
    return tuple(dictionary_VR(tag).split(" or "))


@functools.cache
def never_stays(tag: int) -> bool:
    """Private attributes, lengths of groups, curves, overlays, padding, and what the dictionary does not know."""
    known = Tag(tag)
    curves_or_overlays = known.group & 0xFF00 in (0x5000, 0x6000)
    outside = known.group <= _META or known.group >= _PADDING or known.element == 0
    return known.is_private or outside or curves_or_overlays or not dictionary_has_tag(known)


def raw_of(dataset: Dataset, tag: BaseTag) -> bytes:
    """A value's bytes as the file has them, without making values of them where that can be avoided."""
    value = dataset.get_item(tag).value
    if isinstance(value, bytes):
        return value
    values = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return "\\".join("" if one is None else str(one) for one in values).encode("utf-8", "replace")
