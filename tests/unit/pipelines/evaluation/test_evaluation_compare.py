from __future__ import annotations

from typing import Any

from pipelines.evaluation.compare_page import draw_trade, write_page
from pipelines.evaluation.compare_tables import make_tables, to_markdown

FIGURES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auroc", "auprc", "accuracy_at_threshold")


def _row(arch: str, value: float, *, reference: bool = False) -> dict[str, Any]:
    figure = {"mean": value, "sd": 0.01, "low": value - 0.05, "high": value + 0.05, "seeds": [value, value]}
    row: dict[str, Any] = {
        "name": arch,
        "arch": arch,
        "network": {"arch": arch, "options": {"dropout": 0.2}},
        "settings": {"epochs": 3, "seed": 0, "teacher_share": 0.7, "augment": {"flip": True}},
        "parameters": 1234567,
        "onnx_mb": 4.5,
        "weights_mb": 4.6,
        "latency_ms": {"one_core": 1.25, "all_cores": 0.75, "cores": 2, "gpu": None},
        "figures": dict.fromkeys(FIGURES, figure),
        "ensemble": {key: {**figure, "mean": value + 0.02, "seeds": [value + 0.02]} for key in FIGURES},
    }
    if not reference:
        row["differences"] = {key: {"difference": 0.021, "low": -0.004, "high": 0.05, "p": 0.08} for key in FIGURES}
    return row


SUMMARY: dict[str, Any] = {
    "data": {"name": "set.npz", "sha256": "ab" * 32, "train": 10, "validation": 5, "test": 5},
    "labels": ["a", "b"],
    "shape": [28, 28],
    "views": "plain",
    "seeds": 2,
    "trials": 0,
    "taught": [],
    "teachers": [],
    "reference": "hybrid",
    "rows": [_row("cnn", 0.8), _row("hybrid", 0.9, reference=True)],
    "versions": {"sievert": "0.1.0"},
}


def test_tables_tell_each_row_with_spread_and_interval() -> None:
    quality, calls, times, ensembles, differences = make_tables(SUMMARY)
    assert quality.rows[0] == ("cnn", *["0.800 ± 0.010 (0.750 to 0.850)"] * 4)
    assert quality.head[-1] == "accuracy at the threshold"
    assert calls.head == ("model", "precision", "recall", "F1")
    assert times.rows[1] == ("hybrid", "1.25", "0.75", "4.50", "4.60", "1,234,567")
    assert ensembles.rows[1] == ("hybrid", *["0.920 (0.850 to 0.950)"] * 3)
    assert differences.rows == (("cnn", *["+0.021 (-0.004 to +0.050; p = 0.080)"] * 3),)


def test_gpu_column_stands_only_where_one_was_measured() -> None:
    measured = {**SUMMARY, "rows": [_row("cnn", 0.8), _row("hybrid", 0.9, reference=True)]}
    for row in measured["rows"]:
        row["latency_ms"] = {**row["latency_ms"], "gpu": 0.5}
    assert "GPU, ms" in make_tables(measured)[2].head
    assert "GPU, ms" not in make_tables(SUMMARY)[2].head


def test_one_row_alone_has_no_table_of_differences() -> None:
    alone = {**SUMMARY, "rows": [_row("hybrid", 0.9, reference=True)]}
    assert "hybrid less each other" not in [table.title for table in make_tables(alone)]


def test_one_seed_has_no_table_of_ensembles() -> None:
    assert "Ensembles" not in to_markdown(make_tables({**SUMMARY, "seeds": 1}))


def test_page_says_what_teaching_is_where_a_row_was_taught() -> None:
    taught = {**SUMMARY, "taught": ["hybrid"]}
    assert "0.7 of its targets given by all seeds of that network together" in write_page(taught)
    assert "by all seeds of cnn and unet together" in write_page({**taught, "teachers": ["cnn", "unet"]})
    assert "targets given by" not in write_page(SUMMARY)


def test_markdown_has_a_line_for_each_row_of_each_table() -> None:
    text = to_markdown(make_tables(SUMMARY))
    assert text.count("\n| cnn |") == 5
    assert "5 test images" in text


def test_page_is_one_file_that_loads_nothing_and_is_the_same_each_time() -> None:
    page = write_page(SUMMARY)
    assert page == write_page(SUMMARY)
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "default-src 'none'" in page
    assert "hybrid less each other" in page


def test_picture_names_each_row_with_its_size() -> None:
    assert draw_trade(SUMMARY).count("<!-- cnn (4.5 MB) -->") == 1
