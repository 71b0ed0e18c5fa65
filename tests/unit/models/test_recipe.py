from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.recipe import (
    Clahe,
    Crop,
    Fit,
    Median,
    Pad,
    Recipe,
    Resample,
    Resize,
    Step,
    Window,
    ZScore,
    standard_recipe,
)


def test_digest_survives_writing_and_reading() -> None:
    recipe = standard_recipe(rows=28, columns=28)
    assert Recipe.model_validate_json(recipe.model_dump_json(indent=7)).digest == recipe.digest


@pytest.mark.parametrize(
    "changed",
    [
        Recipe(steps=(Median(size_px=5), Clahe(), Resize(rows=28, columns=28), ZScore())),
        Recipe(steps=(Median(), Clahe(min_side_px=64), Resize(rows=28, columns=28), ZScore())),
        Recipe(steps=(Clahe(), Median(), Resize(rows=28, columns=28), ZScore())),
        standard_recipe(rows=28, columns=29),
    ],
)
def test_digest_changes_with_any_step(changed: Recipe) -> None:
    assert changed.digest != standard_recipe(rows=28, columns=28).digest


def test_digest_is_sha256_of_the_canonical_json() -> None:
    recipe = Recipe(steps=(Resize(rows=1, columns=2),))
    assert recipe.digest == "3b68e079540af3a5484f100377807f0d6b11932384c557d90b3ac3d5e73a0e86"


def test_zscore_anywhere_but_last_is_refused() -> None:
    with pytest.raises(ValidationError, match="last"):
        Recipe(steps=(ZScore(), Resize(rows=28, columns=28)))


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": []}',
        '{"steps": [{"step": "sharpen"}]}',
        '{"steps": [{"step": "median", "size_px": 4}]}',
        '{"steps": [{"step": "resize", "rows": 0, "columns": 28}]}',
        '{"steps": [{"step": "clahe", "clip": 2.0}]}',
    ],
)
def test_unknown_or_impossible_steps_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate_json(text)


def test_output_size_is_that_of_the_last_resize() -> None:
    assert Recipe(steps=(Resize(rows=9, columns=9), Resize(rows=3, columns=4))).output_size == (3, 4)
    assert Recipe(steps=(ZScore(),)).output_size is None


@pytest.mark.parametrize("before", [Crop(), Pad(), Resize(rows=9, columns=9), Resample(spacing_mm=(2, 2))])
def test_resampling_behind_a_step_that_moves_edges_is_refused(before: Step) -> None:
    with pytest.raises(ValidationError, match="before all other steps"):
        Recipe(steps=(before, Resample(spacing_mm=(1, 1))))


@pytest.mark.parametrize("spacing", [(0, 1), (1,), (1, -1), (1, float("nan")), (1, 1, 1, 1)])
def test_a_distance_that_cannot_be_is_refused(spacing: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({"steps": [{"step": "resample", "spacing_mm": spacing}]})


def test_a_recipe_says_what_it_asks_of_an_image() -> None:
    recipe = Recipe(steps=(Window(center=40, width=400), Resample(spacing_mm=(1, 0.5)), Fit(rows=8, columns=9)))
    assert (recipe.spacing_mm, recipe.reads_values, recipe.output_size) == ((1, 0.5), True, (8, 9))
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    plain = standard_recipe(rows=8, columns=8)
    assert (plain.spacing_mm, plain.reads_values) == (None, False)
