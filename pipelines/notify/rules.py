"""Which results are told, and how urgent each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.notify.notice import Urgency
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sievert.settings import NotifyRule


def urgency_of(record: Mapping[str, Any], rules: Sequence[NotifyRule]) -> Urgency | None:
    """What the first rule that fits says of an opened record; None where none fits: nobody is told."""
    return next((Urgency(rule.urgency) for rule in rules if _fits(record, rule)), None)


def wanted_outcomes(rules: Sequence[NotifyRule]) -> frozenset[Outcome]:
    """Which records have to be opened to be judged."""
    return frozenset(Outcome(rule.outcome) for rule in rules)


def _fits(record: Mapping[str, Any], rule: NotifyRule) -> bool:
    if record["outcome"] != rule.outcome:
        return False
    if rule.min_probability is not None and record.get("probability", 0.0) < rule.min_probability:
        return False
    if rule.reason is not None and rule.reason not in _reasons(record):
        return False
    return all(getattr(rule, name) in (None, record.get(name)) for name in ("decision", "diagnosis"))


def _reasons(record: Mapping[str, Any]) -> tuple[str, ...]:
    """A refusal's code, and its family."""
    code = str(record.get("reason", ""))
    return code, code.partition(".")[0]
