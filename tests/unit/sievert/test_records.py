from __future__ import annotations

from sievert.records import FAMILIES, Reason, Refusal, ShardCounts


def test_every_reason_has_a_family_and_one_sentence() -> None:
    for reason in Reason:
        assert reason.family in FAMILIES
        assert reason.explanation.endswith(".")


def test_a_refusal_explains_itself_with_its_detail() -> None:
    refusal = Refusal(Reason.SCOPE_MODALITY, "It is CT.")
    assert refusal.explanation == f"{Reason.SCOPE_MODALITY.explanation} It is CT."
    assert Refusal(Reason.FORMAT_EMPTY).explanation == Reason.FORMAT_EMPTY.explanation


def test_counts_of_shards_add_up() -> None:
    one = ShardCounts(planned=3, screened=2, flagged=1, quarantined=1, reasons={"a": 1}, stage_s={"read": 1.0})
    two = ShardCounts(planned=2, screened=0, quarantined=2, reasons={"a": 1, "b": 1}, stage_s={"seal": 0.5})
    both = one + two
    assert (both.planned, both.screened, both.flagged, both.quarantined) == (5, 2, 1, 3)
    assert both.reasons == {"a": 2, "b": 1}
    assert both.stage_s == {"read": 1.0, "seal": 0.5}
