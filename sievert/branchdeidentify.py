"""The branch of settings for de-identified DICOM: which options of PS3.15 Annex E are on, and what is done to text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from sievert.branches import Branch


class DeviceRule(Branch):
    """Where a kind of machine burns text in; what is left out of the description matches all."""

    modality: str | None = Field(default=None, description="DICOM code of the modality.")
    manufacturer: str | None = Field(default=None, description="Part of Manufacturer, in small or capital letters.")
    model: str | None = Field(default=None, description="Part of ManufacturerModelName, likewise.")
    rows: PositiveInt | None = Field(default=None, description="Rows of the image.")
    columns: PositiveInt | None = Field(default=None, description="Columns of the image.")
    boxes: tuple[tuple[int, int, int, int], ...] = Field(
        description="Rectangles of pixels to blank: top, left, bottom, right; the last two not included."
    )


class DeidentifySettings(Branch):
    """How `sievert deidentify` applies the Basic Application Level Confidentiality Profile."""

    retain_modified_dates: bool = Field(
        default=False,
        description="Dates move by a patient's own number of days, so that intervals stay; else they go.",
    )
    retain_device: bool = Field(
        default=False, description="What identifies the device stays: station, serial numbers, detector, plate."
    )
    retain_characteristics: bool = Field(
        default=False, description="Sex, age (90 at most), size, weight, smoking and pregnancy status stay."
    )
    pixels: Literal["mask", "refuse", "leave"] = Field(
        default="mask",
        description=(
            "Text in the pixels: `mask` blanks it, and refuses an image that says it has some where none is found; "
            "`refuse` writes no image with text; `leave` does not look."
        ),
    )
    search: Literal["likely", "all"] = Field(
        default="likely",
        description=(
            "What is searched for text: `likely` leaves out original CT, MR, PET and scintigraphy, into which no "
            "machine writes and in which fine bone looks like letters, unless a header says there is some; or `all`."
        ),
    )
    device_rules: tuple[DeviceRule, ...] = Field(
        default=(), description="Rectangles that machines of a kind are known to write in; blanked in any case."
    )
