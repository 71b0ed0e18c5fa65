"""The recipe that travels with a model: which steps turn admitted pixels into what the network reads."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from pydantic import Field, model_validator

from models.recipesizes import Crop, Fit, LungField, Pad, Resample, Resize
from models.recipesteps import (
    N4,
    Clahe,
    CurvatureFlow,
    Frozen,
    Gamma,
    Landmarks,
    Median,
    NonLocalMeans,
    Rescale,
    Wavelet,
    Window,
    ZScore,
)

__all__ = [
    "N4",
    "OF_PICTURES",
    "Clahe",
    "Crop",
    "CurvatureFlow",
    "Fit",
    "Gamma",
    "Landmarks",
    "LungField",
    "Median",
    "NonLocalMeans",
    "Pad",
    "Recipe",
    "Resample",
    "Rescale",
    "Resize",
    "Step",
    "Wavelet",
    "Window",
    "ZScore",
    "standard_recipe",
    "volume_recipe",
]

Step = Annotated[
    Median
    | NonLocalMeans
    | CurvatureFlow
    | Wavelet
    | Clahe
    | Gamma
    | Landmarks
    | Rescale
    | Window
    | N4
    | Resample
    | Crop
    | LungField
    | Pad
    | Fit
    | Resize
    | ZScore,
    Field(discriminator="step"),
]
"""One step; the field `step` says which."""


OF_PICTURES = (Median, NonLocalMeans, Clahe, LungField)
"""Steps that need rows and columns and nothing else."""

_OF_A_SIZE = (Resize, Fit)
_MOVES_EDGES = (Resample, Crop, LungField, Pad, Fit, Resize)


class Recipe(Frozen):
    """Steps in the order in which they are done; `pipelines.preprocess.steps.apply_recipe` does them.

    Attributes:
        steps: At least one; a z-score may only be the last, because the others work on integers. A window may only be
            the first, since only there values have units; a resampling stands before all other steps that change the
            size, since only there the distance between pixels is what the file says. `OF_PICTURES` cannot be in one of
            volumes.
    """

    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _zscore_is_last(self) -> Recipe:
        if any(isinstance(step, ZScore) for step in self.steps[:-1]):
            raise ValueError("zscore must be the last step")
        return self

    @model_validator(mode="after")
    def _window_is_first(self) -> Recipe:
        if any(isinstance(step, Window) for step in self.steps[1:]):
            raise ValueError("window must be the first step")
        return self

    @model_validator(mode="after")
    def _resample_is_the_first_to_change_the_size(self) -> Recipe:
        changing = [step for step in self.steps if isinstance(step, _MOVES_EDGES)]
        if any(isinstance(step, Resample) for step in changing[1:]):
            raise ValueError("resample must stand once, before all other steps that change the size")
        return self

    @model_validator(mode="after")
    def _steps_have_one_rank(self) -> Recipe:
        ranks = self._ranks
        if len(ranks) > 1:
            raise ValueError("a recipe is either one of pictures or one of volumes")
        if ranks == {3} and any(isinstance(step, OF_PICTURES) for step in self.steps):
            raise ValueError("median, non-local means, clahe and lung_field work on pictures, not on volumes")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the recipe's canonical JSON (sorted keys, no spaces, UTF-8)."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def spacing_mm(self) -> tuple[float, ...] | None:
        """What the resampling asks for, in mm: between rows and columns, or slices, rows and columns; None: no step."""
        return next((step.spacing_mm for step in self.steps if isinstance(step, Resample)), None)

    @property
    def reads_values(self) -> bool:
        """Whether it begins with values in their own units (HU) and not with the picture that a reader sees."""
        return isinstance(self.steps[0], Window)

    @property
    def _ranks(self) -> set[int]:
        shapes = {len(step.shape) for step in self.steps if isinstance(step, _OF_A_SIZE)}
        return shapes | ({len(self.spacing_mm)} if self.spacing_mm else set())

    @property
    def output_shape(self) -> tuple[int, ...] | None:
        """Rows and columns, or slices, rows and columns, that come out; None where no step makes a size."""
        shapes = [step.shape for step in self.steps if isinstance(step, _OF_A_SIZE)]
        return shapes[-1] if shapes else None

    @property
    def output_size(self) -> tuple[int, int] | None:
        """Rows and columns that come out of a picture; None for volumes, and where no step makes a size."""
        shape = self.output_shape
        return (shape[0], shape[1]) if shape and len(shape) == 2 else None  # noqa: PLR2004 - rows and columns

    @property
    def spatial_rank(self) -> int:
        """2 for pictures, 3 for volumes: what its sizes and distances say; without any, pictures."""
        return max(self._ranks, default=2)


def standard_recipe(*, rows: int, columns: int) -> Recipe:
    """Median 3, CLAHE 2.0 over 8 x 8 tiles, resize, z-score: what the shipped model was trained for.

    Args:
        rows: Rows that the network reads.
        columns: Columns that the network reads.
    """
    return Recipe(steps=(Median(), Clahe(), Resize(rows=rows, columns=columns), ZScore()))


def volume_recipe(*, slices: int, rows: int, columns: int) -> Recipe:
    """Percentiles to 8 bits, resize, z-score: for CT and MR volumes, whose intensities have no common scale.

    Args:
        slices: Slices that the network reads.
        rows: Rows that the network reads.
        columns: Columns that the network reads.
    """
    return Recipe(steps=(Rescale(), Resize(slices=slices, rows=rows, columns=columns), ZScore()))
