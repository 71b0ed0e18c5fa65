"""Decodes one file as screening does, and volumes besides."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pydicom

from pipelines.admit.admission import decode_image
from pipelines.admit.nifti import decode_nifti_volume
from pipelines.admit.reading import read_source
from pipelines.admit.sniff import Format, sniff_format
from pipelines.preprocess.resampling import refuse_spacing
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from pathlib import Path

    from models.recipe import Recipe
    from pipelines.admit.decoded import Decoded

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
_VOLUME = 3


def decode_file(file: Path, *, recipe: Recipe) -> tuple[bytes, Decoded] | Refusal:
    """Decode a file to what a recipe begins with: a grey picture, values in their own units, or a volume.

    Args:
        file: A picture in any format that admission reads; a volume as NIfTI.
        recipe: What will be done: a recipe of pictures or of volumes, with values in units or a spacing, or without.

    Returns:
        The file's content, and the image. Or why there is none, or none that the recipe can be done on.
    """
    policy = AdmitSettings()
    content = read_source(str(file), max_bytes=policy.max_file_bytes)
    if isinstance(content, Refusal):
        return content
    found = _decode(content, policy, recipe)
    if isinstance(found, Refusal):
        return found
    return refuse_spacing(recipe, found.pixels.shape, found.spacing_mm) or (content, found)


def _decode(content: bytes, policy: AdmitSettings, recipe: Recipe) -> Decoded | Refusal:
    if recipe.spatial_rank == _VOLUME:
        return _decode_volume(content, policy)
    return decode_image(content, policy, in_units=recipe.reads_values)


def patient_in_header(file: Path) -> str | None:
    """The patient that a DICOM file names, with who issued the id (PS3.3 C.7.1.1); None for anything else.

    It stays in memory: it says which pictures belong together, and nothing else.
    """
    if file.suffix.lower() not in DICOM_SUFFIXES:
        return None
    tags = ("PatientID", "IssuerOfPatientID")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's quote header values
            header = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(tags))
            patient, issuer = (str(header.get(tag) or "").strip() for tag in tags)
    except Exception:  # noqa: BLE001 - whatever a file makes the parser raise; decoding will say why
        return None
    return f"{patient}\n{issuer}" if patient else None


def _decode_volume(content: bytes, policy: AdmitSettings) -> Decoded | Refusal:
    kind = sniff_format(content)
    if kind in (Format.NRRD, Format.METAIMAGE):
        from pipelines.admit.itkformats import decode_itk_volume  # a large library

        return decode_itk_volume(content, kind, policy)
    if kind is not Format.NIFTI:
        told = "The recipe is one of volumes, which are read from NIfTI, NRRD or MetaImage."
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, told)
    return decode_nifti_volume(content, policy)
