"""Why inputs were quarantined, by family of reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.results.report import formats
from sievert.records import FAMILIES, Reason


@dataclass(frozen=True, slots=True)
class RefusedReason:
    """One reason: its code, its sentence, how often it was given, and the share of what was planned."""

    code: str
    explanation: str
    count: str
    share: str


@dataclass(frozen=True, slots=True)
class RefusedFamily:
    """One family of reasons, with the sums over them; only reasons that were given are in it."""

    name: str
    count: str
    share: str
    reasons: list[RefusedReason]


def describe_refused(manifest: dict[str, Any]) -> list[RefusedFamily]:
    """The families that inputs were quarantined for, in the order of `FAMILIES`; reasons by falling count.

    Raises:
        ValueError: A reason is none of ours.
    """
    planned = manifest["header"]["planned"]
    given = {Reason(code): number for code, number in manifest["counts"]["reasons"].items() if number}
    by_family = {family: {reason: given[reason] for reason in given if reason.family == family} for family in FAMILIES}
    return [_describe(FAMILIES[family], reasons, planned=planned) for family, reasons in by_family.items() if reasons]


def _describe(name: str, reasons: dict[Reason, int], *, planned: int) -> RefusedFamily:
    total = sum(reasons.values())
    rows = [
        RefusedReason(reason.value, reason.explanation, formats.count(number), formats.share(number, planned))
        for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0].value))
    ]
    return RefusedFamily(name, formats.count(total), formats.share(total, planned), rows)
