"""Decodes one file as screening does, and volumes besides."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pydicom

from pipelines.admit.admission import decode
from pipelines.admit.nifti import decode_nifti_volume
from pipelines.admit.reading import read_source
from pipelines.admit.sniff import Format, sniff_format
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
_VOLUME = 3


def decode_file(file: Path, *, rank: int) -> tuple[bytes, NDArray[Any]] | Refusal:
    """Decode a file to one grey picture, brighter where the body is denser, or to a volume.

    Args:
        file: A picture in any format that admission reads; a volume as NIfTI.
        rank: 2 for a picture, 3 for a volume.

    Returns:
        The file's content; and pixels of shape [row, column], uint8 or uint16, or [slice, row, column], float32. Or why
        there are none.
    """
    policy = AdmitSettings()
    content = read_source(str(file), max_bytes=policy.max_file_bytes)
    if isinstance(content, Refusal):
        return content
    pixels = _decode_volume(content, policy) if rank == _VOLUME else decode(content, policy)
    return pixels if isinstance(pixels, Refusal) else (content, pixels)


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


def _decode_volume(content: bytes, policy: AdmitSettings) -> NDArray[Any] | Refusal:
    kind = sniff_format(content)
    if kind in (Format.NRRD, Format.METAIMAGE):
        from pipelines.admit.itkformats import decode_itk_volume  # a large library

        return decode_itk_volume(content, kind, policy)
    if kind is not Format.NIFTI:
        told = "The recipe is one of volumes, which are read from NIfTI, NRRD or MetaImage."
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, told)
    return decode_nifti_volume(content, policy)
