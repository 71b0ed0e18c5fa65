"""Text in the pixels: found by rules for devices and by the text finder, then blanked or refused (PS3.15 E.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import UID

from models.textfinder.boxes import Box, merged
from pipelines.admit.colour import grey_of_colour
from pipelines.admit.dicom.frames import decode_stored
from pipelines.admit.dicom.header import says, text_of
from pipelines.admit.profile.rewriting import can_be_rewritten, rewrite_pixels
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from models.textfinder.finding import TextFinder
    from sievert.settings import DeidentifySettings, DeviceRule

_MEASURED = frozenset({"CT", "MR", "NM", "PT"})
_GREY = 3
"""Axes of grey frames: frame, row, column."""


def clean_pixels(dataset: Dataset, finder: TextFinder, settings: DeidentifySettings) -> tuple[Box, ...] | Refusal:
    """Blank text in all frames, or refuse.

    Every frame is searched; what is found in one is blanked in all, since a line that stands still may be faint.

    Args:
        dataset: As read; its pixels are uncompressed afterwards if anything was blanked, else untouched.
        finder: Finds lines of text.
        settings: `pixels` says what is done.

    Returns:
        The boxes blanked, or why the object cannot be let out.
    """
    if settings.pixels == "leave":
        return ()
    stored = decode_stored(dataset)
    if isinstance(stored, Refusal):
        return stored
    searched = settings.search == "all" or may_hold_text(dataset)
    boxes = merged([*_ruled(dataset, settings.device_rules), *(_found(stored, finder) if searched else ())])
    if not boxes and says(dataset, "BurnedInAnnotation", "YES"):
        return Refusal(Reason.COMPLIANCE_BURNED_IN, "The header says that text is burned in; none was found to blank.")
    if boxes and settings.pixels == "refuse":
        return Refusal(Reason.COMPLIANCE_BURNED_IN, "Text was found in the pixels.")
    return _blanked(dataset, stored, boxes) if boxes else ()


def may_hold_text(dataset: Dataset) -> bool:
    """Whether a machine may have written into the pixels: not into values that it measured itself.

    Screens and reports of CT and MR are stored as secondary captures (PS3.3 A.8), or their image type says DERIVED.
    """
    kind = dataset.get("ImageType") or []
    original = not isinstance(kind, str) and len(kind) > 0 and str(kind[0]).strip().upper() == "ORIGINAL"
    captured = "Secondary Capture" in UID(str(dataset.get("SOPClassUID", ""))).name
    measured = text_of(dataset, "Modality").upper() in _MEASURED
    return not (measured and original and not captured) or says(dataset, "BurnedInAnnotation", "YES")


def _found(stored: NDArray[Any], finder: TextFinder) -> Iterator[Box]:
    for frame in stored:
        yield from finder.find(frame if stored.ndim == _GREY else _grey(frame))


def _grey(frame: NDArray[Any]) -> NDArray[Any]:
    """Of colours, the strongest channel: yellow text on white tissue has no contrast in brightness."""
    plain = grey_of_colour(frame)
    return frame.max(axis=-1) if isinstance(plain, Refusal) else plain


def _ruled(dataset: Dataset, rules: tuple[DeviceRule, ...]) -> Iterator[Box]:
    shape = (int(dataset.Rows), int(dataset.Columns))
    for rule in rules:
        if _concerns(rule, dataset):
            yield from (Box(*box).grown(0, 0, shape) for box in rule.boxes)
    yield from _outside_ultrasound(dataset, shape)


def _concerns(rule: DeviceRule, dataset: Dataset) -> bool:
    exact = (("Modality", rule.modality), ("Rows", rule.rows), ("Columns", rule.columns))
    parts = (("Manufacturer", rule.manufacturer), ("ManufacturerModelName", rule.model))
    return all(wanted is None or dataset.get(name) == wanted for name, wanted in exact) and all(
        wanted is None or wanted.casefold() in str(dataset.get(name, "")).casefold() for name, wanted in parts
    )


def _outside_ultrasound(dataset: Dataset, shape: tuple[int, int]) -> Iterator[Box]:
    """Above the topmost region that an ultrasound object declares (PS3.3 C.8.5.5): where machines write who it is."""
    tops = [region.get("RegionLocationMinY0") for region in dataset.get("SequenceOfUltrasoundRegions") or []]
    top = min((int(top) for top in tops if top is not None), default=0)
    if 0 < top < shape[0]:
        yield Box(0, 0, top, shape[1])


def _blanked(dataset: Dataset, stored: NDArray[Any], boxes: tuple[Box, ...]) -> tuple[Box, ...] | Refusal:
    if not can_be_rewritten(dataset, stored):
        return Refusal(Reason.COMPLIANCE_BURNED_IN, "Text was found in pixels that cannot be written anew.")
    values = stored.copy()
    for frame in values:
        dark = _dark(frame, dataset)
        for box in boxes:
            frame[box.part] = dark
    rewrite_pixels(dataset, values)
    return boxes


def _dark(frame: NDArray[Any], dataset: Dataset) -> Any:  # noqa: ANN401 - a value of the frame's own type
    """Black; of a palette, whose order means nothing, the commonest entry."""
    if says(dataset, "PhotometricInterpretation", "PALETTE COLOR"):
        values, counts = np.unique(frame, return_counts=True)
        return values[counts.argmax()]
    return frame.max() if says(dataset, "PhotometricInterpretation", "MONOCHROME1") else frame.min()
