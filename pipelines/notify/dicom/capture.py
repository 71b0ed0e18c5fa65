"""The explanation as a Secondary Capture: the heat map alone, since the image itself is not in the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipelines.notify.dicom.source import MANUFACTURER, derived_uid, stamp
from pipelines.results.explanation import read_explanation
from pipelines.results.report.overlay import draw_overlay, draw_scale

if TYPE_CHECKING:
    from highdicom.sc import SCImage
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from pipelines.notify.notice import Notice

_SERIES, _FIRST = 9902, 1
_SIDE, _BAR, _LINE, _GREY = 512, 16, 22, 96
_WORDS = (
    "Where the network looked (Grad-CAM), for: {target}",
    "AI result. Not an image of the patient; no measurements.",
)


def secondary_capture(notice: Notice, source: Dataset) -> SCImage | None:
    """The map as a picture in the patient's study; None where the record has none.

    Args:
        notice: What is told.
        source: The image, as `source_image` makes it.

    Raises:
        IntegrityError: The map cannot be read.
    """
    from highdicom.sc import SCImage

    explanation = notice.record.get("explanation")
    if not isinstance(explanation, dict):
        return None
    picture = draw_map(read_explanation(explanation), str(explanation["target"]))
    made = SCImage(
        pixel_array=picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=source.StudyInstanceUID,
        series_instance_uid=derived_uid(notice, "sc-series"),
        series_number=_SERIES,
        sop_instance_uid=derived_uid(notice, "sc"),
        instance_number=_FIRST,
        manufacturer=MANUFACTURER,
        patient_id=source.PatientID,
        patient_name="",
        patient_birth_date="",
        patient_sex="",
        accession_number=source.AccessionNumber,
        patient_orientation=("L", "F"),
    )
    for name in ("PatientOrientation", "Laterality"):
        setattr(made, name, None)  # as the image's own, which is not known here (PS3.3 C.7.6.1.1.1: type 2C)
    made.SeriesDescription = "Sievert heat map"
    made.BurnedInAnnotation = "NO"
    stamp(made, notice)
    return made


def draw_map(heat: NDArray[np.float32], target: str) -> NDArray[np.uint8]:
    """The map on grey, a scale, and what it is.

    Args:
        heat: Shape [row, column], 0 to 1.
        target: The label that it speaks for.

    Returns:
        Shape [row, column, 3].
    """
    side = np.full((_SIDE, _SIDE), _GREY, np.uint8)
    scale = cv2.resize(draw_scale(), (_SIDE, _BAR), interpolation=cv2.INTER_NEAREST)
    foot = np.zeros((_LINE * len(_WORDS) + _LINE // 2, _SIDE, 3), np.uint8)
    whole = Image.fromarray(np.concatenate([draw_overlay(side, heat), scale, foot]))
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    for number, words in enumerate(_WORDS):
        place = (8, _SIDE + _BAR + 4 + number * _LINE)
        draw.text(place, words.format(target=target[:40]), fill=(230, 230, 230), font=font)
    return np.asarray(whole, dtype=np.uint8)
