"""Takes identity away: an allow-list of technical attributes is kept, everything else is removed.

Stricter than the Basic Application Level Confidentiality Profile (PS3.15 Annex E), which names what to remove: an
attribute that nobody thought of, private ones and all sequences go.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_for_tag

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

KEPT = frozenset(
    {
        "BitsAllocated",
        "BitsStored",
        "BodyPartExamined",
        "BurnedInAnnotation",
        "Columns",
        "HighBit",
        "ImageType",
        "LossyImageCompression",
        "Modality",
        "NumberOfFrames",
        "PhotometricInterpretation",
        "PixelRepresentation",
        "PixelSpacing",
        "ImagerPixelSpacing",
        "PlanarConfiguration",
        "PresentationIntentType",
        "Rows",
        "SOPClassUID",
        "SamplesPerPixel",
        "ViewPosition",
    }
)
"""Keywords that stay. None is free text of a person: codes, counts and lengths."""

_PIXEL_GROUPS = frozenset({0x7FE0})


def deidentify(dataset: Dataset) -> tuple[dict[str, str], tuple[str, ...]]:
    """Keep what describes the picture, remove all else.

    Args:
        dataset: As read; left untouched.

    Returns:
        What was kept, as text by keyword, and the sorted keywords of what was removed (private attributes by
        their tag).
    """
    kept: dict[str, str] = {}
    removed: set[str] = set()
    for tag in dataset.keys():  # noqa: SIM118 - iterating values would parse each of them
        if tag.group in _PIXEL_GROUPS or tag.element == 0:
            continue
        keyword = _keyword(tag)
        if keyword in KEPT:
            kept[keyword] = str(dataset[tag].value)
        else:
            removed.add(keyword)
    return kept, tuple(sorted(removed))


@functools.lru_cache(maxsize=8192)
def _keyword(tag: BaseTag) -> str:
    return keyword_for_tag(tag) or f"private {tag}"
