from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from models.package import load_package
from sievert.cli.evaluate import evaluate
from sievert.errors import LabelError
from tests.packages import make_package


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(evaluate)
    return app


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    draw, lines = np.random.default_rng(0), ["source,label,sex"]
    for number in range(24):
        picture = draw.integers(0, 256, (30, 30), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
        lines.append(f"{number}.png,{('normal', 'pneumonia')[number % 2]},{'FM'[number // 12]}")
    (tmp_path / "set.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "set.csv"


def test_machines_get_one_object_with_the_figures_at_its_top_level(app: typer.Typer, manifest: Path) -> None:
    done = CliRunner().invoke(app, ["default", str(manifest), "--json"])
    measured = json.loads(done.stdout)
    named = {"auroc", "accuracy", "accuracy_argmax", "f1_macro", "auprc", "sensitivity_at_specificity_90", "ece"}
    assert named | {f"{name}_low" for name in named} <= set(measured)
    assert (measured["images"], measured["positives"], measured["split"]) == (24, 12, None)
    assert measured["digest"] == load_package("default").digest
    assert (measured["subgroups"], measured["comparison"]) == ({}, None)


def test_people_get_tables_of_figures_subgroups_and_the_comparison(
    app: typer.Typer, manifest: Path, tmp_path: Path
) -> None:
    labels = load_package("default").metadata.labels
    rival = make_package(tmp_path / "rival", np.array([[1.0], [-1.0]], np.float32), shape=(9, 9), labels=labels)
    done = CliRunner().invoke(app, ["default", str(manifest), "--by", "sex", "--against", str(rival.folder)])
    assert done.exit_code == 0, done.output
    for text in ("auroc", "24 (12)", "12 (6)", "f1 of pneumonia", "less tiny", "delong"):
        assert text in done.stdout


def test_report_is_one_page_beside_the_answer(app: typer.Typer, manifest: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    done = CliRunner().invoke(app, ["default", str(manifest), "--by", "sex", "--report", str(page), "--json"])
    assert json.loads(done.stdout)["subgroups"]["sex"][0]["images"] == 12
    html = page.read_text("utf-8")
    assert html.count("data:image/svg+xml;base64,") == 4
    assert "By sex" in html
    assert str(tmp_path) not in html


def test_unknown_column_is_an_error_of_the_set(app: typer.Typer, manifest: Path) -> None:
    done = CliRunner().invoke(app, ["default", str(manifest), "--by", "ward"])
    assert isinstance(done.exception, LabelError)
