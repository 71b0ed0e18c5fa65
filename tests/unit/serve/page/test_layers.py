from __future__ import annotations

import base64
from typing import Any

import pytest

from serve.page.layers import find_layers


def a_map(rows: int = 2, columns: int = 3) -> dict[str, Any]:
    values = base64.b64encode(bytes(range(rows * columns))).decode()
    return {"shape": [rows, columns], "values_base64": values}


def test_a_map_is_found_under_any_name_and_a_mask_is_known_as_one() -> None:
    explained = {**a_map(), "method": "Grad-CAM", "target": "pneumonia"}
    found = find_layers({"explanation": explained, "lung_mask": a_map(), "novelty": 0.3})
    assert [(one["title"], one["kind"]) for one in found] == [("Grad-CAM for pneumonia", "heat"), ("Lung mask", "mask")]


def test_blanked_rectangles_are_a_layer() -> None:
    (layer,) = find_layers({"masked": [[1, 2, 3, 4], "no box"]})
    assert (layer["kind"], layer["boxes"]) == ("boxes", [[1, 2, 3, 4]])


@pytest.mark.parametrize(
    "value",
    [
        None,
        "The file has no content.",
        {"shape": [2, 3]},
        {**a_map(), "shape": [3, 3]},
        {**a_map(), "shape": [-2, -3]},
        {**a_map(), "shape": [2, "3"]},
        {**a_map(), "values_base64": "*"},
        {**a_map(), "shape": [1 << 40, 1 << 40]},
    ],
)
def test_what_is_no_map_is_no_layer(value: object) -> None:
    assert find_layers({"explanation": value}) == []
