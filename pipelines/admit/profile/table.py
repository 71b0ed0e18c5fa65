"""What the Basic Application Level Confidentiality Profile asks for, attribute by attribute (PS3.15 Table E.1-1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector  # type: ignore[import-untyped]
from pydicom.datadict import tag_for_keyword

EDITION: Final = "2026c"
"""Edition of the standard that the table is of; dicom-anonymizer brings it as data."""


class Action(StrEnum):
    """What is done to an attribute; PS3.15 Table E.1-1a names the codes."""

    REMOVED = "removed"
    """X."""
    EMPTIED = "emptied"
    """Z: there, with no value."""
    REPLACED = "replaced"
    """D: by a value that means nothing."""
    MAPPED = "mapped"
    """U: a UID or a patient's id, by a keyed function."""
    SHIFTED = "shifted"
    """C of dates, under the option that keeps intervals."""
    CLEANED = "cleaned"
    """C: what is harmless stayed, the rest went."""


# Where the table leaves a choice (X/D, Z/D, X/Z/D), the one that leaves every object valid: a dummy value.
_COLUMNS: Final = {
    "X_TAGS": Action.REMOVED,
    "Z_TAGS": Action.EMPTIED,
    "X_Z_TAGS": Action.EMPTIED,
    "D_TAGS": Action.REPLACED,
    "Z_D_TAGS": Action.REPLACED,
    "X_D_TAGS": Action.REPLACED,
    "X_Z_D_TAGS": Action.REPLACED,
    "U_TAGS": Action.MAPPED,
}
_PAIR: Final = 2


def _listed() -> dict[int, Action]:
    """By tag; the columns' ranges of groups (curves, overlays) are rules of the walk."""
    columns = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    pairs = ((tag, action) for name, action in _COLUMNS.items() for tag in columns[name] if len(tag) == _PAIR)
    return {(group << 16) | element: action for (group, element), action in pairs}


def _tags(keywords: str) -> frozenset[int]:
    tags = {word: tag_for_keyword(word) for word in keywords.split()}
    return frozenset(tag for tag in tags.values() if tag is not None)


LISTED: Final = _listed()
"""The table: 650 attributes. Referenced and source images (X/Z/U*) are no entries: their UIDs are mapped in place."""

PATIENT_ID: Final = 0x00100020
PATIENT_NAME: Final = 0x00100010

DEVICE: Final = _tags(
    "CassetteID DetectorID DeviceLabel DeviceSerialNumber DeviceUID GantryID GeneratorID LensMake LensModel "
    "LensSerialNumber LensSpecification ManufacturerDeviceIdentifier PerformedStationAETitle PerformedStationName "
    "PlateID ScheduledStationAETitle ScheduledStationName SourceManufacturer SourceSerialNumber StationAETitle "
    "StationName TreatmentMachineName UDISequence UniqueDeviceIdentifier XRayDetectorID XRaySourceID"
)
"""What the option "retain device identity" keeps (PS3.15 E.3.8)."""

CHARACTERISTICS: Final = _tags("PatientAge PatientSex PatientSize PatientWeight PregnancyStatus SmokingStatus")
"""What the option "retain patient characteristics" keeps (PS3.15 E.3.7); an age of 90 years or more becomes 90."""

NEVER_MOVED: Final = _tags("PatientBirthDate PatientBirthTime")
"""Dates that no option keeps (PS3.15 Table E.1-1)."""

SAFE_TEXT: Final = _tags(
    "AcquisitionMode AttenuationCorrectionMethod CardiacFramingType CodeMeaning CodeValue CodingSchemeDesignator "
    "CodingSchemeVersion CollimatorGridName ContrastBolusRoute ConvolutionKernel DetectorManufacturerModelName "
    "DetectorManufacturerName DetectorMode DigitalImageFormatAcquired DimensionDescriptionLabel "
    "ExposureControlModeDescription "
    "FilterType GridAbsorbingMaterial GridSpacingMaterial ImagedNucleus LUTExplanation MIMETypeOfEncapsulatedDocument "
    "Manufacturer ManufacturerModelName ManufacturerRelatedModelGroup ModalityLUTType PVCRejection PaddleDescription "
    "PhosphorType PixelSpacingCalibrationDescription PlateType PositionReferenceIndicator ProcessingFunction "
    "PulseSequenceName Radiopharmaceutical RadiopharmaceuticalRoute ReceiveCoilManufacturerName ReceiveCoilName "
    "ReconstructionMethod RescaleType ScatterCorrectionMethod SecondaryCaptureDeviceManufacturer "
    "SecondaryCaptureDeviceManufacturerModelName SegmentAlgorithmName SegmentLabel SequenceName SoftwareVersions "
    "StackID "
    "TransmitCoilManufacturerName TransmitCoilName TriggerSourceOrType TypeOfFilters VideoImageFormatAcquired ViewName "
    "WindowCenterWidthExplanation"
)
"""Text that a machine writes of itself: it stays where it looks harmless. All other text goes, listed or not."""

SAFE_BYTES: Final = _tags(
    "AlphaPaletteColorLookupTableData BluePaletteColorLookupTableData DoubleFloatPixelData FloatPixelData "
    "GreenPaletteColorLookupTableData ICCProfile LUTData PixelData RedPaletteColorLookupTableData "
    "SegmentedBluePaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData "
    "SegmentedRedPaletteColorLookupTableData"
)
"""Bytes that are pixels or colours. All other OB, OD, OF, OL, OV, OW and UN go."""
