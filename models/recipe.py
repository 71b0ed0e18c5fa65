"""The recipe that travels with a model: which steps turn admitted pixels into what the network reads."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator


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


class Rescale(_Frozen):
    """Stretch the range between two of the picture's own percentiles to 0 ... 255, 8-bit; what lies outside is clipped.

    For volumes without a scale of their own (MR): a few bright voxels must not decide how the rest looks.

    Attributes:
        low: Percentile that becomes 0.
        high: Percentile that becomes 255; above `low`.

    Source: Nyul and Udupa, "On standardizing the MR image intensity scale", MRM 1999 (the percentiles, not the
        landmarks).
    """

    step: Literal["rescale"] = "rescale"
    low: float = Field(default=0.5, ge=0, le=100)
    high: float = Field(default=99.5, ge=0, le=100)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Rescale:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class Resize(_Frozen):
    """Resample to the size that the network reads: by area when that shrinks both sides, else linearly.

    Attributes:
        rows: Rows afterwards, in pixels.
        columns: Columns afterwards, in pixels.
        slices: Slices afterwards; None for pictures. With it, the recipe is one of volumes, [slice, row, column]:
            first rows and columns of each slice, then the slices, by area where that makes fewer of them.
    """

    step: Literal["resize"] = "resize"
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    slices: int | None = Field(default=None, ge=1)

    @model_serializer(mode="wrap")
    def _leave_out_no_slices(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # recipes of pictures keep the JSON, and so the digest, that they had before there were volumes
        return {name: value for name, value in write(self).items() if value is not None}

    @property
    def shape(self) -> tuple[int, ...]:
        """Row, column; or slice, row, column."""
        return (self.rows, self.columns) if self.slices is None else (self.slices, self.rows, self.columns)


class ZScore(_Frozen):
    """Subtract the picture's own mean and divide by its own standard deviation; always the last step.

    Attributes:
        epsilon: Added to the deviation, so that a flat picture becomes zeros; above 0.
    """

    step: Literal["zscore"] = "zscore"
    epsilon: float = Field(default=1e-6, gt=0)


Step = Annotated[Median | Clahe | Rescale | Resize | ZScore, Field(discriminator="step")]
"""One step; the field `step` says which."""


class Recipe(_Frozen):
    """Steps in the order in which they are done; `pipelines.preprocess.steps.apply_recipe` does them.

    Attributes:
        steps: At least one; a z-score may only be the last, because the others work on integers. Median and CLAHE
            are steps of pictures: a recipe of volumes cannot hold them.
    """

    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _zscore_is_last(self) -> Recipe:
        if any(isinstance(step, ZScore) for step in self.steps[:-1]):
            raise ValueError("zscore must be the last step")
        return self

    @model_validator(mode="after")
    def _steps_have_one_rank(self) -> Recipe:
        ranks = {len(step.shape) for step in self.steps if isinstance(step, Resize)}
        if len(ranks) > 1:
            raise ValueError("a recipe resizes either pictures or volumes")
        if ranks == {3} and any(isinstance(step, Median | Clahe) for step in self.steps):
            raise ValueError("median and clahe work on pictures, not on volumes")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the recipe's canonical JSON (sorted keys, no spaces, UTF-8)."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def output_shape(self) -> tuple[int, ...] | None:
        """Rows and columns, or slices, rows and columns, that come out; None where no step resizes."""
        shapes = [step.shape for step in self.steps if isinstance(step, Resize)]
        return shapes[-1] if shapes else None

    @property
    def output_size(self) -> tuple[int, int] | None:
        """Rows and columns that come out of a picture; None for volumes, and where no step resizes."""
        shape = self.output_shape
        return (shape[0], shape[1]) if shape and len(shape) == 2 else None  # noqa: PLR2004 - rows and columns

    @property
    def spatial_rank(self) -> int:
        """2 for pictures, 3 for volumes: what the resize says; without one, pictures."""
        return len(self.output_shape or (0, 0))


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
