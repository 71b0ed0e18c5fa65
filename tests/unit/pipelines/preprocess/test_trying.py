"""What a tried recipe shows is what a network would read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.package import load_package
from pipelines.preprocess.steps import apply_recipe
from pipelines.preprocess.trying import draw_steps, try_recipe
from sievert.cli.main import run
from sievert.errors import DataError

PICTURE = np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)


def test_the_last_step_is_what_apply_recipe_gives_and_the_first_the_picture_itself() -> None:
    recipe = load_package("default").recipe
    tried = try_recipe(PICTURE, recipe)
    assert [one.step for one in tried] == ["admitted", *(step.step for step in recipe.steps)]
    assert np.array_equal(tried[0].picture, PICTURE)
    assert np.array_equal(tried[-1].picture, apply_recipe(PICTURE, recipe)[0])


def test_a_drawing_has_a_square_a_step_and_keeps_shapes() -> None:
    tried = try_recipe(PICTURE, load_package("default").recipe)
    drawn = draw_steps(tried)
    assert drawn.shape == (26 + 320, len(tried) * 328 - 8)
    assert (drawn[26 + 215 :, :320] == 24).all()  # 200 of 300 rows: below them nothing


@pytest.fixture
def png(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "in.png"), PICTURE)
    return tmp_path / "in.png"


def test_the_command_writes_the_picture_and_tells_each_step(
    png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["recipe", "try", str(png), "--to", str(tmp_path / "steps.png")]) == 0
    assert "zscore" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "steps.png")) is not None


def test_what_cannot_be_read_is_told_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("nothing")
    assert run(["recipe", "try", str(tmp_path / "notes")]) == DataError.exit_code
    assert "none of DICOM" in capsys.readouterr().err


def test_recipes_are_listed_and_shown_with_the_digest_that_results_hold(capsys: pytest.CaptureFixture[str]) -> None:
    digest = load_package("default").recipe.digest
    assert run(["recipe", "list"]) == run(["recipe", "show"]) == 0
    out = capsys.readouterr().out
    assert digest in out
    assert "median → clahe → resize → zscore" in out
