from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.results.rows import pad_record

NEGATIVE = {"diagnosis": "normal", "decision": "negative", "flagged": False, "probability": 0.0, "explanation": None}
POSITIVE = {
    "diagnosis": "uncertain: a person must look",
    "decision": "uncertain",
    "flagged": True,
    "probability": 0.123456,
    "explanation": {"method": "Grad-CAM", "target": "pneumonia", "shape": [7, 7], "values_base64": "x" * 68},
}


@given(st.text(max_size=900))
def test_the_length_of_a_record_tells_nothing_of_its_decision(rest: str) -> None:
    lengths = {len(pad_record({"removed_attributes": rest, **decision})) for decision in (NEGATIVE, POSITIVE)}
    assert len(lengths) == 1


@pytest.mark.parametrize("record", [{}, NEGATIVE, POSITIVE, {"explanation": "x" * 5000}])
def test_a_padded_record_is_the_same_json(record: dict[str, Any]) -> None:
    assert json.loads(pad_record(record)) == record
