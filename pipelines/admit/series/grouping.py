"""Finds which files make a series, from their headers alone."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import pydicom

from pipelines.admit.dicom.header import text_of
from pipelines.admit.dicom.parsing import set_aside
from pipelines.admit.reading import read_beginning
from pipelines.admit.scope import KNOWN_MODALITIES
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydicom.dataset import Dataset


# PS3.16 Annex L: what may be told of BodyPartExamined; any other value could hold anything
KNOWN_BODY_PARTS = frozenset(
    "ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS CALF "
    "CAROTID CEREBELLUM CSPINE CHEST CHESTABDOMEN CHESTABDPELVIS CLAVICLE COCCYX COLON CTSPINE DUODENUM EAR ELBOW "
    "ESOPHAGUS EXTREMITY EYE FACE FEMUR FINGER FOOT FOREARM GALLBLADDER HAND HEAD HEADNECK HEART HIP HUMERUS ILEUM IAC "
    "JAW JEJUNUM KIDNEY KNEE LARYNX LEG LIVER LSPINE LSSPINE LUNG MANDIBLE MAXILLA MEDIASTINUM MOUTH NECK NOSE ORBIT "
    "OVARY PANCREAS PAROTID PATELLA PELVIS PENIS PHARYNX PROSTATE RECTUM RIB SACRUM SCALP SCAPULA SELLA SHOULDER SINUS "
    "SKULL SPINE SPLEEN SSPINE STERNUM STOMACH TSPINE TESTIS THIGH THORAX THUMB THYMUS THYROID TIBIA TLSPINE TOE "
    "TONGUE TRACHEA UTERUS VAGINA WHOLEBODY WRIST ZYGOMA".split()
)


@dataclass(slots=True)
class Series:
    """Files of one series.

    Attributes:
        uid: SeriesInstanceUID; an identifier.
        study: StudyInstanceUID; an identifier, empty where the header has none.
        patient: PatientID and its issuer; identifiers.
        modality: DICOM code; empty where the header names none that is known.
        body_part: DICOM term; empty where the header names none that is known.
        sources: Paths of the files; identifiers.
    """

    uid: str = field(repr=False)
    study: str = field(repr=False)
    patient: tuple[str, str] = field(repr=False)
    modality: str
    body_part: str
    sources: list[str] = field(default_factory=list, repr=False)


def group_series(
    sources: Iterable[str], *, max_bytes: int, seen: Callable[[], None] = lambda: None
) -> tuple[list[Series], Counter[Reason]]:
    """Read the headers of files and put those of a series together.

    Args:
        sources: As the plan names them.
        max_bytes: Larger inputs are left out.
        seen: Called after each of them.

    Returns:
        The series in the order in which they were met, and how many files belong to none, by reason.
    """
    found: dict[str, Series] = {}
    others: Counter[Reason] = Counter()
    for source in sources:
        one = read_beginning(source, _series, max_bytes=max_bytes)
        if isinstance(one, Refusal):
            others[one.reason] += 1
        else:
            found.setdefault(one.uid, one).sources.append(source)
        seen()
    return list(found.values()), others


def _series(file: BinaryIO) -> Series | Refusal:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's quote header values
            return _described(pydicom.dcmread(file, stop_before_pixels=True, force=True))
    except Exception:  # noqa: BLE001 - whatever a file makes the parser raise
        return Refusal(Reason.FORMAT_CORRUPT)


def _described(dataset: Dataset) -> Series | Refusal:
    if "SOPClassUID" not in dataset:
        return Refusal(Reason.FORMAT_UNKNOWN)
    if refusal := set_aside(dataset):
        return refusal
    if not dataset.get("SeriesInstanceUID") or not dataset.get("Rows"):
        return Refusal(Reason.FORMAT_NO_PIXELS)
    return Series(
        uid=text_of(dataset, "SeriesInstanceUID"),
        study=text_of(dataset, "StudyInstanceUID"),
        patient=(text_of(dataset, "PatientID"), text_of(dataset, "IssuerOfPatientID")),
        modality=_known(text_of(dataset, "Modality"), KNOWN_MODALITIES),
        body_part=_known(text_of(dataset, "BodyPartExamined"), KNOWN_BODY_PARTS),
    )


def _known(value: str, terms: frozenset[str]) -> str:
    return value.upper() if value.upper() in terms else ""
