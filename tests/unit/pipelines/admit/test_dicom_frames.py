"""Every frame of a DICOM object is decoded to what its values mean."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit

from pipelines.admit.admission import decode
from pipelines.admit.dicom.frames import decode_frames
from pipelines.admit.dicom.parsing import parse_dicom
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings
from tests.dicoms import SIDE, chest, encoded, ramp

POLICY = AdmitSettings()


def frames(content: bytes) -> np.ndarray:
    parsed = parse_dicom(content, POLICY)
    assert isinstance(parsed, Dataset)
    decoded = decode_frames(parsed)
    assert not isinstance(decoded, Refusal)
    return decoded


def grey(content: bytes) -> np.ndarray:
    decoded = decode(content, POLICY)
    assert not isinstance(decoded, Refusal)
    return decoded


def coloured(pixels: np.ndarray) -> bytes:
    changes = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    return encoded(chest(**changes, **bits, PixelData=pixels.tobytes()))


def palette(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> bytes:
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PhotometricInterpretation": "PALETTE COLOR"}
    dataset = chest(**bits, PixelData=(ramp() // 8).astype(np.uint8).tobytes())
    for name, table in (("Red", red), ("Green", green), ("Blue", blue)):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 8])
        setattr(dataset, f"{name}PaletteColorLookupTableData", table.astype(np.uint8).tobytes())
    return encoded(dataset)


GREY = np.repeat((ramp() // 8).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def test_grey_that_is_stored_in_colour_is_read_as_grey() -> None:
    assert np.array_equal(grey(coloured(GREY)), GREY[..., 0])


def test_true_colour_is_refused_but_decoded() -> None:
    red = GREY.copy()
    red[..., 0] = 255
    assert decode(coloured(red), POLICY) == Refusal(Reason.COMPLIANCE_COLOUR)
    assert np.array_equal(frames(coloured(red)), red[np.newaxis])


def test_a_palette_is_looked_up() -> None:
    up, down = np.arange(256), np.arange(255, -1, -1)
    assert np.array_equal(grey(palette(up, up, up)), GREY[..., 0])
    assert decode(palette(up, down, up), POLICY) == Refusal(Reason.COMPLIANCE_COLOUR)
    assert np.array_equal(frames(palette(up, down, up))[0, ..., 1], 255 - GREY[..., 0])


def test_a_palette_object_without_palette_is_corrupt() -> None:
    assert decode(encoded(chest(PhotometricInterpretation="PALETTE COLOR")), POLICY) == Refusal(Reason.FORMAT_CORRUPT)


def test_each_frame_of_an_enhanced_object_has_its_own_rescale() -> None:
    stored = np.stack([ramp(), ramp() + 1])
    dataset = chest(NumberOfFrames=2, PixelData=stored.tobytes())
    dataset.SharedFunctionalGroupsSequence = [functional_group(1, -1024)]
    dataset.PerFrameFunctionalGroupsSequence = [Dataset(), functional_group(2, 0)]
    first, second = frames(encoded(dataset))
    assert np.array_equal(first, ramp().astype(float) - 1024)
    assert np.array_equal(second, (ramp() + 1) * 2.0)


def functional_group(slope: float, intercept: float) -> Dataset:
    group, transformation = Dataset(), Dataset()
    transformation.RescaleSlope, transformation.RescaleIntercept = slope, intercept
    transformation.RescaleType = "HU"
    group.PixelValueTransformationSequence = [transformation]
    return group


def test_a_bare_data_set_is_decoded_in_the_syntax_that_it_is_written_in() -> None:
    dataset, file = chest(), io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(file, enforce_file_format=True)
    bare = file.getvalue()[132:]
    start = bare.index(b"\x08\x00\x16\x00")
    assert np.array_equal(frames(bare[start:])[0], ramp())


@pytest.mark.parametrize(("written", "count"), [("2", 2), ("1A", 2), ("  ", 2)])
def test_a_frame_count_that_is_no_number_is_what_the_pixel_data_has_room_for(written: str, count: int) -> None:
    stored = np.stack([ramp(), ramp() + 1])
    content = encoded(chest(NumberOfFrames=2, PixelData=stored.tobytes()))
    marked = content.replace(b"\x28\x00\x08\x00IS\x02\x002 ", b"\x28\x00\x08\x00IS\x02\x00" + written.ljust(2).encode())
    assert marked != content or written == "2"
    decoded = frames(marked)
    assert len(decoded) == count
    assert np.array_equal(decoded[0], ramp())


def test_a_scan_that_says_it_ends_early_is_read_whole() -> None:
    picture = (ramp() // 8).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    scan = jpeg.index(b"\xff\xda")
    end = scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4], "big")
    wrong = jpeg[: end - 2] + b"\x00" + jpeg[end - 1 :]
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    dataset = chest(**bits, PixelData=encapsulate([wrong]))
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    decoded = frames(encoded(dataset))
    assert decoded.shape == (1, SIDE, SIDE)
    assert np.abs(decoded[0].astype(int) - picture).max() <= 3
