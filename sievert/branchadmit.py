"""The branch of the compliance policy: what may be screened, and presets for kinds of studies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from sievert.branches import Branch

Share = Annotated[float, Field(ge=0, le=1)]
Term = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(str.upper)]
"""A term of the standard, in capitals."""


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("the first must not be above the second")
    return pair


Span = Annotated[tuple[NonNegativeFloat, NonNegativeFloat], AfterValidator(_ordered)]
"""Least and greatest, both allowed."""


class QualitySettings(Branch):
    """Scores of a picture and their limits; left out: not looked at. See `pipelines/admit/quality.py`."""

    max_saturated: Share | None = Field(
        default=None, description="Most pixels, as a share, within 0.5 % of the brightest value there can be."
    )
    max_clipped: Share | None = Field(
        default=None, description="Most pixels, as a share, within 0.5 % of the darkest value there can be."
    )
    min_field: Share | None = Field(
        default=None, description="Least share of the area that is not uniform border: what collimation left."
    )
    min_contrast: Share | None = Field(
        default=None, description="Least standard deviation, of the full range; below it the picture is nearly blank."
    )
    min_sharpness: Share | None = Field(
        default=None, description="Least share of fine detail in the contrast; below it the picture is out of focus."
    )


class AdmitSettings(Branch):
    """The compliance policy: what may be screened."""

    preset: Literal["none", "chest-x-ray", "mammography", "ct", "mr", "ultrasound"] = Field(
        default="none",
        description="A named policy: it sets what is not set beside it; `docs/reference/policies.md` lists what.",
    )
    modalities: tuple[Term, ...] = Field(
        default=(), description="DICOM modalities that may be screened; empty: all that the model declares."
    )
    body_parts: tuple[Term, ...] = Field(
        default=(),
        description="Body parts (BodyPartExamined) to be screened; empty: all that the model declares.",
    )
    views: tuple[Term, ...] = Field(
        default=(), description="View positions that a header may name; empty: all. A header without one is let pass."
    )
    photometric: tuple[Term, ...] = Field(
        default=(), description="Photometric interpretations that a header may name; empty: all."
    )
    required_attributes: tuple[str, ...] = Field(
        default=(), description="Keywords of attributes that a DICOM header must have, with a value."
    )
    spacing_mm: Span | None = Field(
        default=None, description="Pixel spacing, least and greatest in mm, where a header names it."
    )
    age_years: Span | None = Field(
        default=None, description="Patient's age, least and greatest in years, where a header names it."
    )
    deidentified: Literal["any", "yes", "no"] = Field(
        default="any", description="What a header must say of PatientIdentityRemoved: anything, `yes`, or not yes."
    )
    min_side_px: PositiveInt = Field(default=64, description="Fewest rows and columns of an image.")
    max_pixels: PositiveInt = Field(
        default=100_000_000, description="Most pixels an image may declare; more is refused before decoding."
    )
    max_voxels: PositiveInt = Field(default=500_000_000, description="Most voxels of a volume made of a series.")
    min_bits: PositiveInt = Field(default=8, le=16, description="Fewest bits stored a pixel.")
    max_file_bytes: PositiveInt = Field(default=1 << 30, description="Largest file that is read.")
    timeout_s: PositiveFloat = Field(
        default=60,
        description="Longest that admission of one input may take, in seconds; one that takes longer is refused.",
    )
    undeclared: Literal["assume", "refuse"] = Field(
        default="assume",
        description=(
            "A picture without a header (PNG, JPEG) and without a manifest's word says neither modality nor "
            "body part: `assume` takes the operator's choice of model as that word and writes so into the record, "
            "`refuse` quarantines it."
        ),
    )
    allow_burned_in: bool = Field(
        default=False, description="Admit images whose header says that text is burned into the pixels."
    )
    burned_in_text: Literal["ignore", "refuse", "mask"] = Field(
        default="ignore",
        description=(
            "Text found in the pixels, whatever the header says: not looked for, refused, or blanked. Looking takes "
            "about 50 ms for a picture of 1024 x 1024."
        ),
    )
    conformance: Literal["off", "errors"] = Field(
        default="off",
        description="`errors`: dicom3tools' dciodvfy must find none in a DICOM object; about 30 ms an object.",
    )
    uneven_slices: Literal["resample", "refuse"] = Field(
        default="resample",
        description="A series whose slices lie unevenly: interpolated from their true positions, or refused.",
    )
    max_gap: PositiveFloat = Field(
        default=3, description="Widest gap between slices, in median gaps; a wider one means that slices are missing."
    )
    tilted_gantry: Literal["resample", "refuse"] = Field(
        default="resample",
        description="A series whose slices are tilted against their stack (CT's gantry): interpolated, or refused.",
    )
    allow_for_processing: bool = Field(default=False, description="Admit raw (FOR PROCESSING) images.")
    quality: QualitySettings = Field(default_factory=QualitySettings, description="Limits of image quality.")

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: Any) -> Any:  # noqa: ANN401 - what pydantic hands in
        """A preset's values lie under what was given."""
        preset = PRESETS.get(given.get("preset", "none"), {}) if isinstance(given, dict) else {}
        if not preset:
            return given
        quality = given.get("quality")
        over = {"quality": {**preset.get("quality", {}), **quality}} if isinstance(quality, dict) else {}
        return {**preset, **given, **over}


PRESETS: dict[str, dict[str, Any]] = {
    "chest-x-ray": {
        "modalities": ("CR", "DX"),
        "body_parts": ("CHEST", "THORAX"),
        "views": ("PA", "AP"),
        "photometric": ("MONOCHROME1", "MONOCHROME2"),
        "required_attributes": ("PhotometricInterpretation", "BitsStored"),
        "spacing_mm": (0.05, 1.0),
        "min_side_px": 512,
        "quality": {
            "max_saturated": 0.25,
            "max_clipped": 0.6,
            "min_field": 0.5,
            "min_contrast": 0.04,
            "min_sharpness": 0.025,
        },
    },
    "mammography": {
        "modalities": ("MG",),
        "body_parts": ("BREAST",),
        "views": ("CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM"),
        "photometric": ("MONOCHROME1", "MONOCHROME2"),
        "required_attributes": ("PhotometricInterpretation", "BitsStored", "PresentationIntentType"),
        "spacing_mm": (0.02, 0.2),
        "min_side_px": 1024,
        "min_bits": 10,
        "quality": {"max_saturated": 0.25, "min_contrast": 0.02},
    },
    "ct": {
        "modalities": ("CT",),
        "photometric": ("MONOCHROME2",),
        "required_attributes": (
            "PixelSpacing",
            "ImagePositionPatient",
            "ImageOrientationPatient",
            "RescaleSlope",
            "RescaleIntercept",
        ),
        "spacing_mm": (0.1, 3.0),
        "min_side_px": 128,
        "min_bits": 12,
        "quality": {"min_contrast": 0.005},
    },
    "mr": {
        "modalities": ("MR",),
        "photometric": ("MONOCHROME2",),
        "required_attributes": ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"),
        "spacing_mm": (0.1, 10.0),
        "quality": {"min_contrast": 0.01},
    },
    "ultrasound": {
        "modalities": ("US",),
        "min_side_px": 128,
        "quality": {"max_saturated": 0.25, "min_contrast": 0.02},
    },
}
"""What each preset sets. Limits of quality for chest X-rays were measured (`benchmarks/quality.py`); the others refuse
only what is plainly no picture."""
