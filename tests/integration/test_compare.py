"""A comparison from the command line: all rows, all tables, and what a second call finds done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]

ROWS = ["cnn", "resnet50", "unet", "vit", "hybrid"]


def _write_set(folder: Path) -> Path:
    draw = np.random.default_rng(5)
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = {}
    for split, images in (("train", 96), ("val", 32), ("test", 32)):
        labels = (np.arange(images) % 2).astype(np.uint8)
        pictures = draw.integers(40, 140, (images, 28, 28), dtype=np.uint8)
        pictures[labels == 1, 8:20, 8:20] += 90
        arrays |= {f"{split}_images": pictures, f"{split}_labels": labels[:, None]}
    np.savez(folder / "squares.npz", **arrays)  # type: ignore[arg-type] # numpy's stub mixes up arrays and its own flag
    return folder / "squares.npz"


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_quick_comparison_prints_the_tables_of_all_rows_and_is_not_done_twice(sievert: Sievert) -> None:
    data, out = _write_set(sievert.home), sievert.home / "compared"
    answer = sievert("compare", data, "--quick", "--out", out, "--json")
    assert answer.code == 0, answer.err
    told = answer.json
    assert [row["arch"] for row in told["rows"]] == ROWS
    assert all(row["settings"]["epochs"] == 2 for row in told["rows"])
    assert told["views"] == "both"
    assert len({(row["settings"]["mixup"], row["settings"]["keep"]) for row in told["rows"]}) == 1
    hybrid, others = told["rows"][-1], told["rows"][:-1]
    assert all(hybrid["onnx_mb"] < row["onnx_mb"] for row in others)
    assert all(set(row["differences"]["auroc"]) == {"difference", "low", "high", "p"} for row in others)
    markdown = (out / "compare.md").read_text("utf-8")
    for title in ("Accuracy and AUC", "Precision, recall and F1", "Inference time and model size"):
        assert f"### {title}" in markdown
    assert "<script" not in (out / "compare.html").read_text("utf-8")
    assert answer.err.count("trained ") == len(ROWS)

    again = sievert("compare", data, "--quick", "--out", out, "--json")
    assert again.code == 0
    assert "trained " not in again.err
    figures = [[row["figures"] for row in one["rows"]] for one in (told, json.loads(again.out))]
    assert figures[0] == figures[1]


@pytest.mark.chaos
def test_taught_row_is_trained_once_more_by_its_own_row_and_stands_last(sievert: Sievert) -> None:
    data, out = _write_set(sievert.home), sievert.home / "compared"
    command = ("compare", data, "--out", out, "--json", "--arch", "hybrid", "--seeds", 1, "--epochs", 1)
    assert sievert(*command).code == 0
    answer = sievert(*command, "--taught", "hybrid")
    assert answer.code == 0, answer.err
    assert [row["name"] for row in answer.json["rows"]] == ["hybrid", "hybrid (taught)"]
    assert answer.json["reference"] == "hybrid (taught)"
    assert "trained hybrid-taught-0" in answer.err
    assert "trained hybrid-0" not in answer.err
    teachers = json.loads((out / "packages" / "hybrid-taught-0" / "provenance.json").read_bytes())["teachers"]
    assert [teacher["name"] for teacher in teachers] == ["hybrid-0"]
    assert "trained " not in sievert(*command, "--taught", "hybrid").err
    other = (*command[:4], "--json", "--arch", "cnn,hybrid", "--seeds", 1, "--epochs", 1)
    answer = sievert(*other, "--taught", "hybrid", "--teachers", "cnn,hybrid")
    assert answer.json["teachers"] == ["cnn", "hybrid"]
    teachers = json.loads((out / "packages" / "hybrid-taught-0" / "provenance.json").read_bytes())["teachers"]
    assert [teacher["name"] for teacher in teachers] == ["cnn-0", "hybrid-0"]
    refused = sievert(*command, "--taught", "cnn")
    assert "'cnn' cannot be taught: it is no row" in " ".join(refused.err.split())


def test_unknown_row_is_refused_before_anything_is_trained(sievert: Sievert) -> None:
    answer = sievert("compare", _write_set(sievert.home), "--arch", "hybrid,resnet51", "--out", sievert.home / "c")
    assert answer.code == 32
    assert "resnet50" in answer.err
    assert not (sievert.home / "c").exists()
