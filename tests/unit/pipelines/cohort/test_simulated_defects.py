"""Each planted defect really has the property that it is planted for, and, where it can, no other."""

from __future__ import annotations

import io
import zlib
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom.filereader import read_file_meta_info
from pydicom.pixels.processing import apply_modality_lut

from pipelines.cohort.simulated.defects import DEFECTS
from pipelines.cohort.simulated.people import plan_visits

if TYPE_CHECKING:
    from pathlib import Path


@cache
def content(name: str, seed: int = 0) -> bytes:
    defect = next(defect for defect in DEFECTS if defect.name == name)
    return defect.make(plan_visits(20, seed=seed)[7])


def read(name: str) -> pydicom.FileDataset:
    return pydicom.dcmread(io.BytesIO(content(name)))


def test_truncated_keeps_its_header_and_loses_pixels() -> None:
    header = read("truncated")
    assert header.Rows * header.Columns * 2 > len(header.PixelData) > 0
    with pytest.raises(ValueError, match="less than expected"):
        header.pixel_array  # noqa: B018 - reading it is the act


def test_empty_has_no_bytes() -> None:
    assert content("empty") == b""


def test_text_is_readable_and_no_dicom() -> None:
    assert content("text").decode("ascii").isprintable() is False  # it ends its line
    assert content("text").strip().decode("ascii").isprintable()
    with pytest.raises(pydicom.errors.InvalidDicomError):
        read("text")


@pytest.mark.parametrize("seed", range(20))
def test_garbled_has_the_magic_word_and_no_meaning(seed: int) -> None:
    garbled = content("garbled", seed)
    assert garbled[128:132] == b"DICM"
    header = pydicom.dcmread(io.BytesIO(garbled))
    assert "SOPClassUID" not in header
    assert "PixelData" not in header


def test_damaged_names_its_syntax_and_cannot_be_inflated(tmp_path: Path) -> None:
    file = tmp_path / "damaged.dcm"
    file.write_bytes(content("damaged"))
    assert read_file_meta_info(file).TransferSyntaxUID.is_deflated
    with pytest.raises(zlib.error):
        read("damaged")


def test_hand_is_a_good_radiograph_of_a_hand() -> None:
    header = read("hand")
    assert (header.Modality, header.BodyPartExamined) == ("DX", "HAND")
    assert header.pixel_array.std() > 100


def test_ct_slice_is_in_hounsfield_units() -> None:
    header = read("ct-slice")
    assert (header.Modality, header.BodyPartExamined) == ("CT", "CHEST")
    values = apply_modality_lut(header.pixel_array, header)
    assert values[0, 0] == pytest.approx(-1000, abs=80)
    assert np.median(values[250:270, 120:180]) < -500


def test_report_has_words_and_no_pixels() -> None:
    header = read("report")
    assert header.Modality == "SR"
    assert not {"PixelData", "Rows", "Columns"} & {element.keyword for element in header}
    assert "simulated report" in header.ContentSequence[0].TextValue


def test_burned_in_says_so_and_shows_it() -> None:
    header = read("burned-in")
    assert header.BurnedInAnnotation == "YES"
    assert (header.pixel_array[:30, :150] == 4095).sum() > 100


def test_blank_has_one_value() -> None:
    assert len(np.unique(read("blank").pixel_array)) == 1


def test_colour_has_three_samples_that_differ() -> None:
    header = read("colour")
    assert (header.PhotometricInterpretation, header.pixel_array.shape[-1]) == ("RGB", 3)
    assert (header.pixel_array[..., 0] != header.pixel_array[..., 2]).any()


def test_multi_frame_has_three_different_frames() -> None:
    frames = read("multi-frame").pixel_array
    assert frames.ndim == 3
    assert len({frame.tobytes() for frame in frames}) == 3


def test_for_processing_says_so_in_class_and_intent() -> None:
    header = read("for-processing")
    assert header.SOPClassUID.name == "Digital X-Ray Image Storage - For Processing"
    assert header.PresentationIntentType == "FOR PROCESSING"


def test_thumbnail_is_32_pixels_square_and_not_blank() -> None:
    pixels = read("thumbnail").pixel_array
    assert pixels.shape == (32, 32)
    assert pixels.std() > 100


@pytest.mark.parametrize("name", ["truncated", "blank", "colour", "multi-frame", "for-processing", "thumbnail"])
def test_a_fault_of_form_is_not_hidden_behind_one_of_scope(name: str) -> None:
    header = read(name)
    assert (header.Modality, header.BodyPartExamined, header.BurnedInAnnotation) == ("DX", "CHEST", "NO")
    assert (header.PresentationIntentType == "FOR PROCESSING") == (name == "for-processing")
