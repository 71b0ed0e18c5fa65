"""What is done to an attribute that the profile's table names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipelines.admit.profile.coded import removed_code
from pipelines.admit.profile.kinds import name_of
from pipelines.admit.profile.remap import move_date
from pipelines.admit.profile.table import Action
from pipelines.admit.profile.values import DUMMIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.tag import BaseTag

    from pipelines.admit.profile.context import Context

_TIME = re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?", re.ASCII)


def rename(dataset: Dataset, tag: BaseTag, context: Context) -> Action:
    """PatientID and PatientName become the pseudonym."""
    dataset[tag].value = context.patient
    return Action.MAPPED


def _remove(dataset: Dataset, tag: BaseTag, vr: str, context: Context) -> Action:  # noqa: ARG001 - one signature
    del dataset[tag]
    return Action.REMOVED


def _empty(dataset: Dataset, tag: BaseTag, vr: str, context: Context) -> Action:  # noqa: ARG001
    dataset[tag].value = Sequence() if vr == "SQ" else None
    return Action.EMPTIED


def _replace(dataset: Dataset, tag: BaseTag, vr: str, context: Context) -> Action:  # noqa: ARG001
    """An empty value stays empty: there is nothing to hide, and nothing to invent."""
    if vr == "SQ":
        dataset[tag].value = Sequence([removed_code() if name_of(tag).endswith("CodeSequence") else Dataset()])
    elif not dataset[tag].is_empty:
        dataset[tag].value = DUMMIES[vr]
    return Action.REPLACED


def map_uids(dataset: Dataset, tag: BaseTag, vr: str, context: Context) -> Action:  # noqa: ARG001
    """UIDs become others, the same ones everywhere."""
    element = dataset[tag]
    uids = [context.remap.uid(str(uid)) for uid in (element.value if element.VM > 1 else [element.value or ""])]
    element.value = uids if element.VM > 1 else uids[0]
    return Action.MAPPED


def _shift(dataset: Dataset, tag: BaseTag, vr: str, context: Context) -> Action:
    """Times of day stay with their moved dates (PS3.15 E.3.6); what is no date goes."""
    element, days = dataset[tag], context.remap.shift_days(context.patient)
    values = [str(value) for value in (element.value if element.VM > 1 else [element.value]) if value]
    moved = [_time(value) if vr == "TM" else move_date(value, days) for value in values]
    element.value = None if None in moved or not moved else moved
    return Action.EMPTIED if None in moved else Action.SHIFTED


def _time(text: str) -> str | None:
    return text if _TIME.fullmatch(text.strip(" \0")) else None


DEEDS: dict[Action, Callable[[Dataset, BaseTag, str, Context], Action]] = {
    Action.REMOVED: _remove,
    Action.EMPTIED: _empty,
    Action.REPLACED: _replace,
    Action.MAPPED: map_uids,
    Action.SHIFTED: _shift,
}
"""What does what; each changes the data set and says what it did in the end."""
