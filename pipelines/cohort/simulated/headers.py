"""Headers as hospitals write them: full of (fictional) people, so that de-identification has work to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
)

if TYPE_CHECKING:
    from pipelines.cohort.simulated.people import Person, Visit

_HOSPITAL = "Simulated Children's Hospital"
_ADDRESS = "1 Example Street, Simulated Town"
_REFERRER = "Simulated^Referrer"
_PRIVATE_GROUP = 0x0011


def write_header(visit: Visit, *, modality: str = "DX", view: str = "PA") -> Dataset:
    """The header of a chest radiograph, without pixels.

    Args:
        visit: Whose and when.
        modality: `DX` or `CR`.
        view: `PA` or `AP`, as in ViewPosition.

    Returns:
        A data set whose pixel attributes are yet to be set.

    Source: DICOM PS3.3 A.2 (CR), A.26 (DX).
    """
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    _describe_patient(header, visit.person)
    _describe_study(header, visit)
    _describe_series(header, visit, modality=modality, view=view)
    _describe_site(header, visit)
    _nest_people(header, visit)
    _add_private(header, visit)
    return header


def _describe_patient(header: Dataset, person: Person) -> None:
    header.PatientName = person.name
    header.PatientID = person.patient_id
    header.IssuerOfPatientID = "SIMULATED"
    header.PatientBirthDate = f"{person.born:%Y%m%d}"
    header.PatientSex = person.sex
    header.PatientAge = f"{person.age_years:03d}Y"
    header.PatientAddress = f"{person.number} Example Lane, Simulated Town"
    header.PatientTelephoneNumbers = f"+00 000 {person.number:04d}"
    header.ResponsiblePerson = person.guardian
    header.PatientComments = f"{person.guardian.replace('^', ' ')} waits outside."


def _describe_study(header: Dataset, visit: Visit) -> None:
    header.StudyInstanceUID = visit.uid("study")
    header.StudyID = f"{visit.number:04d}"
    header.AccessionNumber = visit.accession
    header.StudyDescription = "Simulated chest radiograph"
    header.ReferringPhysicianName = _REFERRER
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(header, keyword, f"{visit.day:%Y%m%d}")
    for keyword in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(header, keyword, f"{8 + visit.number % 10:02d}{visit.number * 7 % 60:02d}00")


def _describe_series(header: Dataset, visit: Visit, *, modality: str, view: str) -> None:
    is_dx = modality == "DX"
    header.SOPClassUID = DigitalXRayImageStorageForPresentation if is_dx else ComputedRadiographyImageStorage
    header.SOPInstanceUID = visit.uid("image")
    header.SeriesInstanceUID = visit.uid("series")
    header.SeriesNumber, header.InstanceNumber = 1, 1
    header.Modality = modality
    if is_dx:
        header.PresentationIntentType = "FOR PRESENTATION"
        header.ImageLaterality = "U"
    header.ImageType = ["ORIGINAL", "PRIMARY", ""]
    header.BodyPartExamined = "CHEST"
    header.ViewPosition = view
    header.PatientOrientation = ["L", "F"]
    header.BurnedInAnnotation = "NO"
    header.ImageComments = "Simulated image: drawn by a program, shows no patient."


def _describe_site(header: Dataset, visit: Visit) -> None:
    header.InstitutionName = _HOSPITAL
    header.InstitutionAddress = _ADDRESS
    header.StationName = f"SIMROOM{visit.number % 3 + 1}"
    header.OperatorsName = f"Simulated^Radiographer {visit.number % 4 + 1}"
    header.PerformingPhysicianName = "Simulated^Radiologist"
    header.Manufacturer = "Simulated Vendor"
    header.ManufacturerModelName = "Drawn in software"
    header.DeviceSerialNumber = f"SIM{visit.number % 3 + 1:04d}"


def _nest_people(header: Dataset, visit: Visit) -> None:
    step = Dataset()
    step.RequestedProcedureID = visit.accession
    step.ScheduledProcedureStepDescription = f"Chest, {visit.person.name.replace('^', ' ')}"
    header.RequestAttributesSequence = Sequence([step])
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID = f"OLD{visit.person.patient_id}", "SIMULATED WARD"
    header.OtherPatientIDsSequence = Sequence([other])
    former = Dataset()
    former.PatientName = f"Simulated^Maiden {visit.person.number:02d}"
    correction = Dataset()
    correction.ModifyingSystem = "SIMULATED PACS"
    correction.ModifiedAttributesSequence = Sequence([former])
    header.OriginalAttributesSequence = Sequence([correction])


def _add_private(header: Dataset, visit: Visit) -> None:
    inner = Dataset()
    inner.PatientName = visit.person.name
    block = header.private_block(_PRIVATE_GROUP, "SIMULATED VENDOR", create=True)
    block.add_new(0x01, "LO", visit.person.name)
    block.add_new(0x02, "LO", visit.accession)
    block.add_new(0x03, "SQ", Sequence([inner]))
