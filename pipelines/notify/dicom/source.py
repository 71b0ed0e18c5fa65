"""What is known of the image that a result speaks of, as much of its header as a derived object must repeat."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from pipelines.notify.notice import Notice

MANUFACTURER = "Sievert"
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_EMPTY = (
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "ReferringPhysicianName",
)


def source_image(notice: Notice) -> Dataset | None:
    """The image as a derived object refers to it; None where it was no DICOM instance (a PNG).

    What de-identification has taken away and no envelope holds (name, birth date, …) is empty, as type 2 attributes may
    be (PS3.5 7.4.3): whoever stores the object has them.
    """
    identity, kind = notice.identity, notice.record.get("attributes", {}).get("SOPClassUID")
    if not kind or not all(identity.get(name) for name in _NEEDED):
        return None
    source = Dataset()
    for name in _EMPTY:
        setattr(source, name, "")
    for name in (*_NEEDED, "PatientID", "IssuerOfPatientID", "AccessionNumber"):
        setattr(source, name, identity.get(name, ""))
    source.PatientID = identity.get("PatientID") or identity.get("patient") or ""
    source.SOPClassUID, source.Modality = kind, notice.record["modality"]
    return source


def derived_uid(notice: Notice, what: str) -> str:
    """A UID that is the same for every attempt (PS3.5 B.2: a UUID under 2.25)."""
    return f"2.25.{uuid5(NAMESPACE_URL, f'urn:sievert:{what}/{notice.id}').int}"


def stamp(made: Dataset, notice: Notice) -> None:
    """Give a derived object the result's own time in place of the attempt's: so the same notice is the same object."""
    issued = datetime.fromisoformat(notice.issued)
    for kind in ("Content", "InstanceCreation"):
        setattr(made, f"{kind}Date", issued.strftime("%Y%m%d"))
        setattr(made, f"{kind}Time", issued.strftime("%H%M%S"))
    if "DateOfSecondaryCapture" in made:
        made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = made.ContentDate, made.ContentTime
    for equipment in made.get("ContributingEquipmentSequence") or []:
        equipment.ContributionDateTime = issued.strftime("%Y%m%d%H%M%S")
