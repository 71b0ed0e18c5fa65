"""Applies the Basic Application Level Confidentiality Profile (PS3.15 Annex E) to one object."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset

from pipelines.admit.dicom.header import text_of
from pipelines.admit.dicom.implementation import IMPLEMENTATION
from pipelines.admit.dicom.parsing import PIXELS
from pipelines.admit.profile.context import Context
from pipelines.admit.profile.echoes import Echoes
from pipelines.admit.profile.frames import clean_pixel_bytes
from pipelines.admit.profile.kinds import name_of
from pipelines.admit.profile.masking import clean_pixels
from pipelines.admit.profile.table import EDITION, Action
from pipelines.admit.profile.walking import Done, walk
from sievert import __version__
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from models.textfinder.boxes import Box
    from models.textfinder.finding import TextFinder
    from pipelines.admit.profile.remap import Remap
    from sievert.settings import DeidentifySettings

_LEVELS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

# PS3.16 CID 7050, de-identification method
_BASIC = ("113100", "Basic Application Confidentiality Profile")
_PIXELS = ("113101", "Clean Pixel Data Option")
_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
_CHARACTERISTICS = ("113108", "Retain Patient Characteristics Option")
_DEVICE = ("113109", "Retain Device Identity Option")


@dataclass(frozen=True, slots=True)
class Applied:
    """An object without identity.

    Attributes:
        content: The whole file.
        patient: The patient's pseudonym.
        study: New StudyInstanceUID.
        series: New SeriesInstanceUID.
        instance: New SOPInstanceUID.
        done: What was done to which attribute, how often.
        blanked: Rectangles of pixels that held text.
    """

    content: bytes
    patient: str
    study: str
    series: str
    instance: str
    done: Done
    blanked: tuple[Box, ...]


def apply_profile(
    dataset: Dataset, remap: Remap, finder: TextFinder, settings: DeidentifySettings
) -> Applied | Refusal:
    """Take identity out of an object.

    Args:
        dataset: As `parse_dicom` returned it; changed in place.
        remap: The site's keyed functions.
        finder: Finds text in the pixels.
        settings: Which options are on.

    Returns:
        The object, or why it cannot be let out.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's quote values
            return _applied(dataset, remap, finder, settings)
    except Exception:  # noqa: BLE001 - whatever a value makes pydicom or numpy raise
        return Refusal(Reason.FORMAT_CORRUPT, "It cannot be written again without identity.")


def _applied(dataset: Dataset, remap: Remap, finder: TextFinder, settings: DeidentifySettings) -> Applied | Refusal:
    _name_levels(dataset)
    patient = remap.patient(
        text_of(dataset, "PatientID"), text_of(dataset, "IssuerOfPatientID"), text_of(dataset, _LEVELS[0])
    )
    blanked = clean_pixels(dataset, finder, settings)
    if isinstance(blanked, Refusal):
        return blanked
    done = walk(dataset, Context(remap, patient, settings, Echoes(dataset)))
    cleaned = clean_pixel_bytes(dataset)
    if isinstance(cleaned, Refusal):
        return cleaned
    done.update(_beside(dataset, pixels=cleaned or bool(blanked)))
    _mark(dataset, patient, settings)
    done.update(_new_meta(dataset))
    study, series, instance = (text_of(dataset, name) for name in _LEVELS)
    return Applied(_written(dataset), patient, study, series, instance, +done, blanked)


def _name_levels(dataset: Dataset) -> None:
    """An object that does not say which study, series or instance it is: named by its pixels."""
    for name in _LEVELS:
        if not text_of(dataset, name):
            pixels = next(dataset[kind].value for kind in PIXELS if kind in dataset)
            setattr(
                dataset, name, f"2.25.{int.from_bytes(hashlib.sha256(name.encode() + pixels).digest()[:15], 'big')}"
            )


def _beside(dataset: Dataset, *, pixels: bool) -> Done:
    """What was done to pixels and preamble, which the walk does not see."""
    preamble = any(getattr(dataset, "preamble", None) or b"")
    return Done({("PixelData", Action.CLEANED): int(pixels), ("FilePreamble", Action.REMOVED): int(preamble)})


def _mark(dataset: Dataset, patient: str, settings: DeidentifySettings) -> None:
    """What a de-identified object says of itself (PS3.15 E.1.1, PS3.3 C.7.1.1 and C.12.1)."""
    dataset.PatientID = dataset.PatientName = patient
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = f"PS3.15 {EDITION} Basic Profile; Sievert {__version__}"
    dataset.DeidentificationMethodCodeSequence = [_code(*method) for method in _methods(settings)]
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if settings.retain_modified_dates else "REMOVED"
    if settings.pixels != "leave":
        dataset.BurnedInAnnotation = "NO"


def _methods(settings: DeidentifySettings) -> list[tuple[str, str]]:
    options = (
        (settings.pixels != "leave", _PIXELS),
        (settings.retain_modified_dates, _DATES),
        (settings.retain_characteristics, _CHARACTERISTICS),
        (settings.retain_device, _DEVICE),
    )
    return [_BASIC, *(method for on, method in options if on)]


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _new_meta(dataset: Dataset) -> Done:
    """File meta information (PS3.10 7.1) that says how to read the file, and nothing of where it came from."""
    old, new = dataset.file_meta, FileMetaDataset()
    new.FileMetaInformationGroupLength, new.FileMetaInformationVersion = 0, b"\0\1"  # the writer knows the length
    new.MediaStorageSOPClassUID, new.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    new.TransferSyntaxUID = old.TransferSyntaxUID
    new.ImplementationClassUID, new.ImplementationVersionName = IMPLEMENTATION, "SIEVERT"
    dataset.file_meta = new
    gone = {f"FileMeta.{name_of(tag)}" for tag in old.keys() if tag not in new}  # noqa: SIM118 - values are not wanted
    replaced = ("MediaStorageSOPInstanceUID", "ImplementationClassUID", "ImplementationVersionName")
    return Done(
        {
            **{(name, Action.REMOVED): 1 for name in gone},
            **{(f"FileMeta.{name}", Action.REPLACED): 1 for name in replaced},
        }
    )


def _written(dataset: Dataset) -> bytes:
    dataset.preamble = b"\0" * 128
    sink = io.BytesIO()
    dcmwrite(sink, dataset)  # the meta information is whole: to enforce it would copy it for nothing
    return sink.getvalue()
