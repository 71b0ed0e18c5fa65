from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.decide import UNCERTAIN, DecisionRule, decide
from sievert.records import Decision, Verdict

LABELS = ("normal", "pneumonia")


def verdict(probability: float, *, threshold: float = 0.5, confidence: float = 0.8) -> Verdict:
    rule = DecisionRule(LABELS, 1, threshold, confidence)
    return decide(np.asarray([1 - probability, probability], np.float32), rule)


@pytest.mark.parametrize(
    ("probability", "decision", "diagnosis"),
    [
        (0.95, Decision.POSITIVE, "pneumonia"),
        (0.05, Decision.NEGATIVE, "normal"),
        (0.7, Decision.UNCERTAIN, UNCERTAIN),
        (0.3, Decision.UNCERTAIN, UNCERTAIN),
    ],
)
def test_a_decision_is_taken_where_confidence_suffices(probability: float, decision: Decision, diagnosis: str) -> None:
    found = verdict(probability)
    assert (found.decision, found.diagnosis) == (decision, diagnosis)
    assert found.flagged is (decision is not Decision.NEGATIVE)


def test_below_a_high_threshold_a_likely_finding_is_uncertain_not_negative() -> None:
    assert verdict(0.85, threshold=0.9).decision is Decision.UNCERTAIN


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.5, 1))
def test_what_is_decided_is_always_the_more_likely_class(
    probability: float, threshold: float, confidence: float
) -> None:
    found = verdict(probability, threshold=threshold, confidence=confidence)
    if found.decision is not Decision.UNCERTAIN:
        assert found.confidence >= max(confidence, 0.5)
        assert (found.probability >= threshold) is (found.decision is Decision.POSITIVE)


def test_of_several_other_classes_the_likeliest_is_named() -> None:
    rule = DecisionRule(("a", "b", "sick"), 2, 0.5, 0.6)
    assert decide(np.asarray([0.2, 0.7, 0.1], np.float32), rule).diagnosis == "b"
