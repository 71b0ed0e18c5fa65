"""The recipe that travels with a model: which steps turn admitted pixels into what the network reads."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Median(_Frozen):
    """Denoise with a square median filter; it removes speckle and keeps edges.

    Attributes:
        size_px: Side of the window in pixels; 3 and 5 are what OpenCV does on 16-bit pixels too.
        min_side_px: A picture with a shorter side is left alone: on a thumbnail, three pixels are a rib.
    """

    step: Literal["median"] = "median"
    size_px: Literal[3, 5] = 3
    min_side_px: int = Field(default=64, ge=1)


class Clahe(_Frozen):
    """Contrast-limited adaptive histogram equalisation, always over 256 grey levels.

    Attributes:
        clip_limit: Height at which a tile's histogram is cut, relative to a flat one; above 0.
        tiles: Tiles along each side.
        min_side_px: A picture with a shorter side is left alone: a tile of a few dozen pixels has no
            histogram worth equalising, the step would draw noise.

    Source: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
    """

    step: Literal["clahe"] = "clahe"
    clip_limit: float = Field(default=2.0, gt=0)
    tiles: int = Field(default=8, ge=1, le=64)
    min_side_px: int = Field(default=128, ge=1)


class Resize(_Frozen):
    """Resample to the size that the network reads: by area when that shrinks both sides, else linearly.

    Attributes:
        rows: Rows afterwards, in pixels.
        columns: Columns afterwards, in pixels.
    """

    step: Literal["resize"] = "resize"
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)


class ZScore(_Frozen):
    """Subtract the picture's own mean and divide by its own standard deviation; always the last step.

    Attributes:
        epsilon: Added to the deviation, so that a flat picture becomes zeros; above 0.
    """

    step: Literal["zscore"] = "zscore"
    epsilon: float = Field(default=1e-6, gt=0)


Step = Annotated[Median | Clahe | Resize | ZScore, Field(discriminator="step")]
"""One step; the field `step` says which."""


class Recipe(_Frozen):
    """Steps in the order in which they are done; `pipelines.preprocess.steps.apply_recipe` does them.

    Attributes:
        steps: At least one; a z-score may only be the last, because the others work on integers.
    """

    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _zscore_is_last(self) -> Recipe:
        if any(isinstance(step, ZScore) for step in self.steps[:-1]):
            raise ValueError("zscore must be the last step")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the recipe's canonical JSON (sorted keys, no spaces, UTF-8)."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def output_size(self) -> tuple[int, int] | None:
        """Rows and columns that come out, or None where no step resizes."""
        sizes = [(step.rows, step.columns) for step in self.steps if isinstance(step, Resize)]
        return sizes[-1] if sizes else None


def standard_recipe(*, rows: int, columns: int) -> Recipe:
    """Median 3, CLAHE 2.0 over 8 x 8 tiles, resize, z-score: what the shipped model was trained for.

    Args:
        rows: Rows that the network reads.
        columns: Columns that the network reads.
    """
    return Recipe(steps=(Median(), Clahe(), Resize(rows=rows, columns=columns), ZScore()))
