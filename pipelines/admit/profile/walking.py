"""Goes through a data set and all its sequences, and does to each attribute what the profile asks for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydicom.datadict import tag_for_keyword

from pipelines.admit.dicom.parsing import PIXELS
from pipelines.admit.profile.coded import clean_code, is_coded
from pipelines.admit.profile.deeds import DEEDS, rename
from pipelines.admit.profile.kinds import DATED, name_of, never_stays, vr_of
from pipelines.admit.profile.rules import judge
from pipelines.admit.profile.table import LISTED, NEVER_MOVED, PATIENT_ID, PATIENT_NAME, Action

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from pipelines.admit.profile.context import Context

_CODE = frozenset(tag_for_keyword(word) for word in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning"))

_PIXELS = frozenset(tag_for_keyword(word) for word in PIXELS)
"""Within a sequence they are a second picture (an icon) that nobody has looked at."""

Done = Counter[tuple[str, Action]]
"""How often what was done to which attribute: by path (keywords with dots between them) and action."""


def walk(dataset: Dataset, context: Context) -> Done:
    """Clean a data set in place, with everything under it."""
    done: Done = Counter()
    _clean(dataset, context, done, path="")
    return done


def _clean(
    dataset: Dataset, context: Context, done: Done, *, path: str, settled: frozenset[int | None] = frozenset()
) -> None:
    for tag in [tag for tag in dataset.keys() if tag not in settled]:  # noqa: SIM118 - values would be parsed
        try:
            action = _treat(dataset, tag, context, done, path)
        except Exception:  # noqa: BLE001 - whatever a value makes pydicom raise: what cannot be read cannot stay
            del dataset[tag]
            action = Action.REMOVED
        if action is not None:
            done[path + name_of(tag), action] += 1


def _treat(dataset: Dataset, tag: BaseTag, context: Context, done: Done, path: str) -> Action | None:
    """Options first, then the table, then what the value itself allows."""
    if never_stays(tag) or (path and tag in _PIXELS):
        del dataset[tag]
        return Action.REMOVED
    vr = vr_of(dataset, tag)
    if tag in (PATIENT_ID, PATIENT_NAME):
        return rename(dataset, tag, context)
    asked = _asked(tag, vr, context)
    if asked is not None:
        if vr == "SQ":
            _count_within(dataset, tag, done, path)
        return DEEDS[asked](dataset, tag, vr, context)
    return _descend(dataset, tag, context, done, path) if vr == "SQ" else judge(dataset, tag, vr, context)


def _asked(tag: int, vr: str, context: Context) -> Action | None:
    """What the options and the table say; None where the attribute may stay."""
    if context.keeps(tag):
        return None
    if vr in DATED and tag not in NEVER_MOVED and context.settings.retain_modified_dates:
        return Action.SHIFTED
    return LISTED.get(tag)


def _descend(dataset: Dataset, tag: BaseTag, context: Context, done: Done, path: str) -> Action | None:
    """Into each item; a coded entry's own words are the standard's or gone, so they are settled first."""
    replaced, inner = False, f"{path}{name_of(tag)}."
    for item in dataset[tag].value:
        coded = is_coded(item)
        replaced |= coded and clean_code(item)
        _clean(item, context, done, path=inner, settled=_CODE if coded else frozenset())
    return Action.CLEANED if replaced else None


def _count_within(dataset: Dataset, tag: BaseTag, done: Done, path: str) -> None:
    """A sequence that goes takes all its attributes along: the report names them too."""
    inner = f"{path}{name_of(tag)}."
    for item in dataset[tag].value:
        for below in item.keys():  # noqa: SIM118 - values would be parsed
            done[inner + name_of(below), Action.REMOVED] += 1
            if not never_stays(below) and vr_of(item, below) == "SQ":
                _count_within(item, below, done, inner)
