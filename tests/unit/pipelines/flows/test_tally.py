"""What a shard's counts say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.flows.tally import BINS, Tally
from sievert.records import Reason, Refusal


@given(st.lists(st.floats(0, 1)), st.integers(0, 5))
def test_every_input_is_counted_once(probabilities: list[float], refusals: int) -> None:
    tally = Tally()
    for probability in probabilities:
        tally.screened("positive" if probability > 0.5 else "negative", probability, flagged=probability > 0.5)
    for _ in range(refusals):
        tally.refused(Refusal(Reason.FORMAT_EMPTY))
    counts = tally.counts({"read": 0.1234567891})
    assert (counts.screened, counts.quarantined) == (len(probabilities), refusals)
    assert counts.planned == counts.screened + counts.quarantined
    assert sum(counts.histogram) == sum(counts.decisions.values()) == len(probabilities)
    assert counts.flagged == sum(probability > 0.5 for probability in probabilities)
    assert counts.reasons == ({Reason.FORMAT_EMPTY: refusals} if refusals else {})
    assert counts.stage_s == {"read": 0.123457}


def test_a_probability_of_one_falls_into_the_last_bin() -> None:
    tally = Tally()
    for probability in (0.0, 0.049, 0.05, 1.0):
        tally.screened("negative", probability, flagged=False)
    assert tally.counts({}).histogram == [2, 1, *[0] * (BINS - 3), 1]
