"""Recipes by name and from files are what they say, for the size that a network reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.recipe import Pad, Recipe, Resize, standard_recipe, volume_recipe
from models.recipes import NAMED, find_recipe
from sievert.errors import ConfigError


@pytest.mark.parametrize("name", NAMED)
def test_every_named_recipe_ends_with_the_size_asked_for(name: str) -> None:
    for rank in NAMED[name][1]:
        shape = (8, 16, 24)[-rank:]
        recipe = find_recipe(name, shape)
        assert recipe.output_shape == shape
        assert recipe.steps[-1].step == "zscore"
        assert Recipe.model_validate_json(recipe.model_dump_json()).digest == recipe.digest


def test_the_standard_one_is_what_it_was() -> None:
    assert find_recipe("standard", (28, 28)) == standard_recipe(rows=28, columns=28)
    assert find_recipe("standard", (4, 8, 8)) == volume_recipe(slices=4, rows=8, columns=8)
    assert standard_recipe(rows=28, columns=28).digest == find_recipe("chest-x-ray", (28, 28)).digest


def test_a_file_is_read_and_held_to_the_networks_size(tmp_path: Path) -> None:
    recipe = Recipe(steps=(Pad(), Resize(rows=32, columns=32)))
    (tmp_path / "r.json").write_text(recipe.model_dump_json())
    assert find_recipe(str(tmp_path / "r.json"), (32, 32)) == recipe
    with pytest.raises(ConfigError, match="the network reads"):
        find_recipe(str(tmp_path / "r.json"), (28, 28))
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ConfigError, match="cannot be understood"):
        find_recipe(str(tmp_path / "bad.json"), (28, 28))


@pytest.mark.parametrize(("name", "shape"), [("typo", (28, 28)), ("mammography", (4, 28, 28)), ("mr", (1, 2, 3, 4))])
def test_what_there_is_not_is_told(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        find_recipe(name, shape)
