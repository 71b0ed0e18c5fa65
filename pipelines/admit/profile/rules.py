"""What becomes of an attribute that the profile's table does not name, or that an option keeps: its value decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.admit.profile.deeds import map_uids
from pipelines.admit.profile.kinds import BYTES, FIXED, TEXT, raw_of
from pipelines.admit.profile.table import SAFE_BYTES, SAFE_TEXT, Action
from pipelines.admit.profile.values import capped_age, is_code, is_harmless, is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from pipelines.admit.profile.context import Context


def judge(dataset: Dataset, tag: BaseTag, vr: str, context: Context) -> Action | None:
    """Keep what is harmless, remove the rest.

    Returns:
        What was done; None where the attribute stayed as it is.
    """
    return _RULES.get(vr, _other)(dataset, tag, context)


def _fixed(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:  # noqa: ARG001 - one signature
    return None


def _bytes(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:  # noqa: ARG001
    return None if tag in SAFE_BYTES else _gone(dataset, tag)


def _code(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:
    """Small letters are a common mistake, and no reason to lose a body part."""
    raw = raw_of(dataset, tag)
    return None if is_code(raw.upper()) and not _echoes(raw, context) else _gone(dataset, tag)


def _number(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:
    raw = raw_of(dataset, tag)
    return None if is_number(raw) and not _echoes(raw, context) else _gone(dataset, tag)


def _age(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:
    said = str(dataset[tag].value or "")
    age = capped_age(said) if context.keeps(tag) else None
    if age is None:
        return _gone(dataset, tag)
    dataset[tag].value = age
    return None if age == said else Action.CLEANED


def _text(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:
    kept, raw = context.keeps(tag), raw_of(dataset, tag)
    harmless = kept or (
        tag in SAFE_TEXT and all(is_harmless(one) for one in raw.decode("latin-1").strip(" \0").split("\\"))
    )
    return None if harmless and not _echoes(raw, context) else _gone(dataset, tag)


def _uids(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:
    if context.keeps(tag):
        return None
    before = raw_of(dataset, tag).strip(b" \0")
    map_uids(dataset, tag, "UI", context)
    return Action.MAPPED if raw_of(dataset, tag).strip(b" \0") != before else None


def _other(dataset: Dataset, tag: BaseTag, context: Context) -> Action | None:
    """Names, addresses, dates that no option keeps, and representations that the standard does not have."""
    return None if context.keeps(tag) and not _echoes(raw_of(dataset, tag), context) else _gone(dataset, tag)


def _echoes(raw: bytes, context: Context) -> bool:
    return context.echoes.within(raw.decode("utf-8", "replace"))


def _gone(dataset: Dataset, tag: BaseTag) -> Action:
    del dataset[tag]
    return Action.REMOVED


_RULES: dict[str, Callable[[Dataset, BaseTag, Context], Action | None]] = {
    **dict.fromkeys(FIXED, _fixed),
    **dict.fromkeys(BYTES, _bytes),
    **dict.fromkeys(TEXT, _text),
    "AS": _age,
    "CS": _code,
    "DS": _number,
    "IS": _number,
    "UI": _uids,
}
