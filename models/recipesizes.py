"""The steps of a recipe that change how large an image is; `pipelines.preprocess` does them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from models.recipesteps import Frozen

Millimetres = Annotated[float, Field(gt=0, le=1000)]


class _Sized(Frozen):
    """A size that comes out: rows and columns, with slices too for volumes."""

    step: str
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


class Resize(_Sized):
    """Resample to the size that the network reads: by area when that shrinks both sides, else linearly.

    Attributes:
        rows: Rows afterwards, in pixels.
        columns: Columns afterwards, in pixels.
        slices: Slices afterwards; None for pictures. With it, the recipe is one of volumes, [slice, row, column]:
            first rows and columns of each slice, then the slices, by area where that makes fewer of them.
    """

    step: Literal["resize"] = "resize"


class Fit(_Sized):
    """Cut away or lay dark around, evenly on both sides, until the size is the network's; nothing is resampled.

    After `Resample`, a pixel of what the network reads is as long in every picture as that step says.

    Attributes:
        rows: Rows afterwards, in pixels.
        columns: Columns afterwards, in pixels.
        slices: Slices afterwards; None for pictures.
    """

    step: Literal["fit"] = "fit"


class Resample(Frozen):
    """Resample until pixels lie as far apart as said: by area when that shrinks all sides of a plane, else linearly.

    An image that does not say how far apart its pixels lie is refused, never guessed at. A radiograph without a
    calibrated distance is measured at its detector (ImagerPixelSpacing), where the body is drawn larger than it is.

    Attributes:
        spacing_mm: Between rows and columns afterwards, in mm; or between slices, rows and columns, and then the recipe
            is one of volumes.

    Source: PS3.3 10.7.1.
    """

    step: Literal["resample"] = "resample"
    spacing_mm: tuple[Millimetres, Millimetres] | tuple[Millimetres, Millimetres, Millimetres]


class Crop(Frozen):
    """Cut to the largest bright part (body, breast): Otsu's threshold, the largest connected part, a margin.

    Attributes:
        margin: Around it, as a share of its own sides.
        least: Where that part has less of the picture than this share, the picture stays whole.

    Source: Otsu, "A threshold selection method from gray-level histograms", IEEE TSMC 1979.
    """

    step: Literal["crop"] = "crop"
    margin: float = Field(default=0.02, ge=0, le=0.5)
    least: float = Field(default=0.05, ge=0, le=1)


class LungField(Frozen):
    """Cut a frontal chest radiograph to both lungs and what is between them; a picture, not a volume.

    Where no plausible pair of lungs is found (an opaque lung, an oblique view, another part of the body), the picture
    stays whole, so a network must be trained on both; `sievert recipe try` shows by the size which it was.

    Attributes:
        margin: Around the lungs' box, as a share of its own sides; what a threshold misses at an opaque base is in it.
        min_side_px: A picture with a shorter side is left alone: thumbnails are cut already.

    Source: Armato, Giger and MacMahon, "Automated lung segmentation in digitized posteroanterior chest radiographs",
        Academic Radiology 1998.
    """

    step: Literal["lung_field"] = "lung_field"
    margin: float = Field(default=0.08, ge=0, le=0.5)
    min_side_px: int = Field(default=128, ge=1)


class Pad(Frozen):
    """Lay the picture in the middle of a dark square or cube, so that a resize keeps its proportions."""

    step: Literal["pad"] = "pad"
