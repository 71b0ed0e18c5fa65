"""Files that must not be screened: each has one fault, and the reason that it must be refused for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForProcessing,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)

from pipelines.cohort.simulated.canvas import Canvas
from pipelines.cohort.simulated.encodings import Storage, attach_pixels, to_bytes
from pipelines.cohort.simulated.headers import write_header
from pipelines.cohort.simulated.oddities import burn_in, draw_hand, draw_slice
from pipelines.cohort.simulated.patients import draw_patient
from pipelines.cohort.simulated.people import stream
from sievert.records import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipelines.cohort.simulated.people import Visit

_SIZE = Canvas(512, 480)
_THUMBNAIL_PX = 32
_PLAIN = Storage()
_NOISE_BYTES = 4096
_META_START = 144
"""Behind the preamble (128), `DICM` (4) and the group length element (12), whose last four bytes are its value."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One kind of file that must be refused.

    Attributes:
        name: What is wrong with it.
        reason: What admission must say.
        make: Writes one such file for a visit, as bytes.
    """

    name: str
    reason: Reason
    make: Callable[[Visit], bytes]


def _truncated(visit: Visit) -> bytes:
    whole = _file(write_header(visit), _chest(visit))
    return whole[: len(whole) * 3 // 5]


def _empty(_: Visit) -> bytes:
    return b""


def _text(visit: Visit) -> bytes:
    return f"Transfer of study {visit.accession} failed; ask the simulated archive.\n".encode()


def _garbled(visit: Visit) -> bytes:
    return bytes(128) + b"DICM" + stream(visit.seed, "study", visit.number).bytes(_NOISE_BYTES)


def _damaged(visit: Visit) -> bytes:
    whole = to_bytes(write_header(visit), syntax=DeflatedExplicitVRLittleEndian)
    meta_end = _META_START + int.from_bytes(whole[_META_START - 4 : _META_START], "little")
    # The first byte announces a deflate block of type 3, which RFC 1951 3.2.3 reserves: no reader can go on.
    return whole[:meta_end] + b"\xff" + stream(visit.seed, "study", visit.number).bytes(_NOISE_BYTES)


def _report(visit: Visit) -> bytes:
    header = write_header(visit)
    for keyword in ("PresentationIntentType", "BodyPartExamined", "ViewPosition", "ImageType", "ImageLaterality"):
        delattr(header, keyword)
    header.SOPClassUID, header.Modality = BasicTextSRStorage, "SR"
    finding = Dataset()
    finding.RelationshipType, finding.ValueType = "CONTAINS", "TEXT"
    finding.TextValue = f"{visit.person.name.replace('^', ' ')}: simulated report without an image."
    header.ValueType, header.ContinuityOfContent = "CONTAINER", "SEPARATE"
    header.ContentSequence = Sequence([finding])
    return to_bytes(header)


def _hand(visit: Visit) -> bytes:
    header = write_header(visit)
    header.BodyPartExamined = "HAND"
    header.StudyDescription = "Simulated hand radiograph"
    return _file(header, draw_hand(_SIZE, stream(visit.seed, "study", visit.number)))


def _slice(visit: Visit) -> bytes:
    header = write_header(visit)
    for keyword in ("PresentationIntentType", "ViewPosition", "ImageLaterality"):
        delattr(header, keyword)
    header.SOPClassUID, header.Modality = CTImageStorage, "CT"
    header.StudyDescription = "Simulated chest CT"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.SliceThickness, header.KVP = 3.0, 120
    pixels = draw_slice(Canvas(512, 512), stream(visit.seed, "study", visit.number))
    attach_pixels(header, pixels, storage=Storage(rescale=(1.0, -1024.0), windowed=True))
    header.RescaleType = "HU"
    header.PixelSpacing = header.ImagerPixelSpacing
    del header.ImagerPixelSpacing, header.PresentationLUTShape
    return to_bytes(header)


def _burned_in(visit: Visit) -> bytes:
    header = write_header(visit)
    header.BurnedInAnnotation = "YES"
    return _file(header, burn_in(_chest(visit), visit.person.name.replace("^", " ")))


def _blank(visit: Visit) -> bytes:
    return _file(write_header(visit), np.full((_SIZE.rows, _SIZE.cols), 2048, np.uint16))


def _colour(visit: Visit) -> bytes:
    header = write_header(visit)
    pixels = _chest(visit)
    attach_pixels(header, pixels, storage=_PLAIN)
    del header.PresentationLUTShape
    header.SamplesPerPixel, header.PlanarConfiguration = 3, 0
    header.PhotometricInterpretation = "RGB"
    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
    bright = (pixels >> 4).astype(np.uint8)
    header.PixelData = np.stack([bright, bright, bright // 2], axis=-1).tobytes()
    return to_bytes(header)


def _frames(visit: Visit) -> bytes:
    header = write_header(visit)
    header.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    header.NumberOfFrames, header.FrameTime = 3, 500.0
    picture = _chest(visit)[::2, ::2]
    return _file(header, np.stack([picture, np.roll(picture, 2, axis=0), np.roll(picture, 4, axis=0)]))


def _for_processing(visit: Visit) -> bytes:
    header = write_header(visit)
    header.SOPClassUID = DigitalXRayImageStorageForProcessing
    header.PresentationIntentType = "FOR PROCESSING"
    return _file(header, _chest(visit))


def _thumbnail(visit: Visit) -> bytes:
    small = cv2.resize(_chest(visit), (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return _file(write_header(visit), np.asarray(small, np.uint16))


def _file(header: Dataset, pixels: NDArray[np.uint16]) -> bytes:
    attach_pixels(header, pixels, storage=_PLAIN)
    return to_bytes(header)


def _chest(visit: Visit) -> NDArray[np.uint16]:
    return draw_patient(visit, _SIZE, sick=False, bedside=False)


DEFECTS = (
    Defect("truncated", Reason.FORMAT_TRUNCATED, _truncated),
    Defect("empty", Reason.FORMAT_EMPTY, _empty),
    Defect("text", Reason.FORMAT_UNKNOWN, _text),
    Defect("hand", Reason.SCOPE_BODY_PART, _hand),
    Defect("ct-slice", Reason.SCOPE_MODALITY, _slice),
    Defect("report", Reason.FORMAT_NO_PIXELS, _report),
    Defect("burned-in", Reason.COMPLIANCE_BURNED_IN, _burned_in),
    Defect("blank", Reason.COMPLIANCE_BLANK, _blank),
    Defect("colour", Reason.COMPLIANCE_COLOUR, _colour),
    Defect("multi-frame", Reason.COMPLIANCE_SPATIAL_RANK, _frames),
    Defect("for-processing", Reason.COMPLIANCE_FOR_PROCESSING, _for_processing),
    Defect("thumbnail", Reason.COMPLIANCE_MATRIX_SIZE, _thumbnail),
    Defect("garbled", Reason.FORMAT_CORRUPT, _garbled),
    Defect("damaged", Reason.FORMAT_CORRUPT, _damaged),
)
"""All kinds; a simulated cohort holds one of each."""
