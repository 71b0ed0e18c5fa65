from __future__ import annotations

from serve.page.facts import all_facts, identity_facts, new_facts, provenance_facts


def test_scores_that_later_versions_add_are_shown_by_their_names() -> None:
    record = {"probability": 0.9, "novelty_score": 0.25, "meaning": "9 of 10 such cases", "quality": {"sharpness": 0.5}}
    assert new_facts(record) == [("Novelty score", "0.250"), ("Meaning", "9 of 10 such cases"), ("Sharpness", "0.500")]


def test_where_the_file_lies_is_not_shown() -> None:
    facts = identity_facts({"patient": "ab", "identity": {"source": "somewhere", "PatientID": "7", "StationName": "x"}})
    assert facts == [("Patient ID", "7"), ("Pseudonym", "ab"), ("StationName", "x")]
    assert all("somewhere" not in value for _, value in all_facts({"identity": {"source": "somewhere"}}))


def test_everything_else_is_shown_flat_and_short() -> None:
    facts = dict(
        all_facts({"attributes": {"ViewPosition": "PA"}, "masked": [], "new": {"a": {"b": 1}}, "long": "x" * 999})
    )
    assert facts["attributes.ViewPosition"] == "PA"
    assert facts["new.a.b"] == "1"
    assert facts["masked"] == "none"
    assert len(facts["long"]) == 401


def test_a_record_of_another_shape_breaks_nothing() -> None:
    odd = {"model": "only a name", "quality": [1], "identity": None}
    assert provenance_facts(odd, planned="") == []
    assert identity_facts(odd) == [("Pseudonym", "")]
    assert new_facts(odd) == []
