"""Recipes by name, one for each modality, and recipes from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from models.recipe import (
    N4,
    Clahe,
    Crop,
    LungField,
    Median,
    Pad,
    Recipe,
    Rescale,
    Resize,
    Window,
    ZScore,
    standard_recipe,
    volume_recipe,
)
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.recipe import Step

STANDARD = "standard"
_PICTURE, _VOLUME = 2, 3


def _standard(size: Resize) -> Recipe:
    if size.slices is None:
        return standard_recipe(rows=size.rows, columns=size.columns)
    return volume_recipe(slices=size.slices, rows=size.rows, columns=size.columns)


def _of(*steps: Step) -> Callable[[Resize], Recipe]:
    return lambda size: Recipe(steps=(*steps, size, ZScore()))


NAMED: dict[str, tuple[str, tuple[int, ...], Callable[[Resize], Recipe]]] = {
    STANDARD: ("pictures: median, CLAHE; volumes: percentiles", (_PICTURE, _VOLUME), _standard),
    "chest-x-ray": ("median, CLAHE", (_PICTURE,), _of(Median(), Clahe())),
    "chest-x-ray-lungs": ("cut to the lungs, median, CLAHE", (_PICTURE,), _of(LungField(), Median(), Clahe())),
    "mammography": ("cut to the breast, median, CLAHE, square", (_PICTURE,), _of(Crop(), Median(), Clahe(), Pad())),
    "ultrasound": ("a wider median against speckle, percentiles", (_PICTURE,), _of(Median(size_px=5), Rescale())),
    "ct-soft-tissue": ("window 40/400 HU", (_PICTURE, _VOLUME), _of(Window(center=40, width=400))),
    "ct-brain": ("window 40/80 HU", (_PICTURE, _VOLUME), _of(Window(center=40, width=80))),
    "ct-lung": ("window -600/1500 HU", (_PICTURE, _VOLUME), _of(Window(center=-600, width=1500))),
    "mr": ("N4, percentiles", (_PICTURE, _VOLUME), _of(N4(), Rescale())),
}
"""By name: what it does, for how many axes, and how it is made for a size."""


def find_recipe(name: str, shape: tuple[int, ...]) -> Recipe:
    """The recipe that a name, or a JSON file, stands for.

    Args:
        name: One of `NAMED`, or a JSON file with the key `steps`.
        shape: What the network reads: rows and columns, or slices, rows and columns.

    Raises:
        ConfigError: There is no such recipe, it cannot be read, or it is not for that shape.
    """
    if len(shape) not in (_PICTURE, _VOLUME):
        raise ConfigError(f"a network reads 2 or 3 dimensions, not {len(shape)}")
    if name not in NAMED:
        return _from_file(Path(name), shape)
    _, ranks, make = NAMED[name]
    if len(shape) not in ranks:
        raise ConfigError(f"the recipe {name} is not for {len(shape)} dimensions")
    *slices, rows, columns = shape
    return make(Resize(rows=rows, columns=columns, slices=slices[0] if slices else None))


def _from_file(file: Path, shape: tuple[int, ...]) -> Recipe:
    if not file.is_file():
        raise ConfigError(f"there is no recipe of that name; there are {', '.join(NAMED)}, or a JSON file")
    try:
        recipe = Recipe.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"the recipe's file cannot be understood ({type(error).__name__})") from error
    if recipe.output_shape != shape:
        raise ConfigError(f"the recipe makes {recipe.output_shape}, the network reads {shape}")
    return recipe
