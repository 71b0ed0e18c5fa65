"""What the DICOM listener can be sent: the images of the modalities that a model is for, in what can be decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLETransferSyntaxes,
)
from pynetdicom import build_context, sop_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pynetdicom.presentation import PresentationContext

_SYNTAXES: list[str | UID] = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    *JPEGTransferSyntaxes,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    HTJ2KLossless,
    *RLETransferSyntaxes,
]
_CLASSES: Mapping[str, Sequence[str]] = {
    "CR": ("ComputedRadiographyImageStorage",),
    "CT": ("CTImageStorage", "EnhancedCTImageStorage", "LegacyConvertedEnhancedCTImageStorage"),
    "DX": ("DigitalXRayImageStorageForPresentation", "DigitalXRayImageStorageForProcessing"),
    "ES": ("VLEndoscopicImageStorage",),
    "GM": ("VLMicroscopicImageStorage",),
    "IO": ("DigitalIntraOralXRayImageStorageForPresentation", "DigitalIntraOralXRayImageStorageForProcessing"),
    "MG": (
        "DigitalMammographyXRayImageStorageForPresentation",
        "DigitalMammographyXRayImageStorageForProcessing",
        "BreastTomosynthesisImageStorage",
    ),
    "MR": ("MRImageStorage", "EnhancedMRImageStorage", "LegacyConvertedEnhancedMRImageStorage"),
    "NM": ("NuclearMedicineImageStorage",),
    "OP": ("OphthalmicPhotography8BitImageStorage", "OphthalmicPhotography16BitImageStorage"),
    "OPT": ("OphthalmicTomographyImageStorage",),
    "PT": ("PositronEmissionTomographyImageStorage", "EnhancedPETImageStorage"),
    "RF": ("XRayRadiofluoroscopicImageStorage",),
    "SM": ("VLSlideCoordinatesMicroscopicImageStorage", "VLWholeSlideMicroscopyImageStorage"),
    "US": ("UltrasoundImageStorage", "UltrasoundMultiFrameImageStorage"),
    "XA": ("XRayAngiographicImageStorage", "EnhancedXAImageStorage"),
    "XC": ("VLPhotographicImageStorage",),
}
_ANY = (
    "SecondaryCaptureImageStorage",
    "MultiFrameGrayscaleByteSecondaryCaptureImageStorage",
    "MultiFrameGrayscaleWordSecondaryCaptureImageStorage",
    "MultiFrameTrueColorSecondaryCaptureImageStorage",
)
"""Screen captures name the modality that they show."""


def contexts(modalities: Iterable[str]) -> list[PresentationContext]:
    """What is offered to a peer: verification (C-ECHO), and storage of those modalities (PS3.4, tables A.5 and B.5-1).

    Args:
        modalities: DICOM codes that a model is for; radiographs are taken as CR and as DX wherever it is for one.
    """
    wanted = set(modalities)
    if wanted & {"CR", "DX"}:
        wanted |= {"CR", "DX"}
    names = [name for code in sorted(wanted) for name in _CLASSES.get(code, ())]
    storage = [build_context(getattr(sop_class, name), _SYNTAXES) for name in (*names, *_ANY)]
    return [build_context(sop_class.Verification), *storage]  # type: ignore[attr-defined]  # made when it is imported
