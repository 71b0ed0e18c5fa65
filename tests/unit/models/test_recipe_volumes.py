from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from models.package import RECIPE, shipped_packages
from models.recipe import Clahe, Fit, Median, Recipe, Resample, Rescale, Resize, ZScore, standard_recipe, volume_recipe


def test_recipes_of_pictures_keep_the_digest_and_the_json_they_had_before_volumes() -> None:
    recipe = standard_recipe(rows=28, columns=28)
    assert recipe.digest == "ebc60ab70a7a61c8eff98ee69941d08c3d20d7e1c9c279ffbd8bbe19c2be3603"
    assert "slices" not in recipe.model_dump_json()
    assert recipe.model_dump(mode="json")["steps"][2] == {"step": "resize", "rows": 28, "columns": 28}


def test_shipped_recipe_reads_back_to_its_own_file() -> None:
    written = (shipped_packages()["default"] / RECIPE).read_bytes()
    assert Recipe.model_validate_json(written).model_dump(mode="json") == json.loads(written)


def test_recipe_of_volumes_survives_writing_and_tells_its_shape() -> None:
    recipe = volume_recipe(slices=3, rows=4, columns=5)
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert again.digest == recipe.digest != volume_recipe(slices=2, rows=4, columns=5).digest
    assert (recipe.output_shape, recipe.output_size, recipe.spatial_rank) == ((3, 4, 5), None, 3)


def test_recipe_of_pictures_tells_its_shape_too() -> None:
    recipe = standard_recipe(rows=4, columns=5)
    assert (recipe.output_shape, recipe.output_size, recipe.spatial_rank) == ((4, 5), (4, 5), 2)
    without = Recipe(steps=(ZScore(),))
    assert (without.output_shape, without.spatial_rank) == (None, 2)


@pytest.mark.parametrize(
    "steps",
    [
        (Median(), Resize(slices=2, rows=3, columns=3)),
        (Clahe(), Resize(slices=2, rows=3, columns=3)),
        (Resize(rows=3, columns=3), Resize(slices=2, rows=3, columns=3)),
        (Resample(spacing_mm=(1, 1)), Resize(slices=2, rows=3, columns=3)),
        (Resample(spacing_mm=(1, 1, 1)), Fit(rows=3, columns=3)),
        (Median(), Resample(spacing_mm=(1, 1, 1))),
    ],
)
def test_steps_of_pictures_and_of_volumes_do_not_mix(steps: tuple[Resize, ...]) -> None:
    with pytest.raises(ValidationError, match="volumes"):
        Recipe(steps=steps)


@pytest.mark.parametrize(("low", "high"), [(50, 50), (99, 1), (-1, 99), (0, 101)])
def test_percentiles_that_span_nothing_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValidationError):
        Rescale(low=low, high=high)
