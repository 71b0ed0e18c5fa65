"""Working out each value once gives what working out each pixel gives, for every kind of stored value and step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from pipelines.admit.dicom.picture import _seen, _shown, decode_dicom
from sievert.records import Reason, Refusal
from tests.dicoms import chest

STEPS: dict[str, dict[str, Any]] = {
    "none": {},
    "rescale": {"RescaleSlope": 1.5, "RescaleIntercept": -1024},
    "window": {"WindowCenter": 100, "WindowWidth": 250},
    "sigmoid": {"WindowCenter": 100, "WindowWidth": 250, "VOILUTFunction": "SIGMOID"},
    "both": {"RescaleSlope": 2, "RescaleIntercept": 3, "WindowCenter": 40, "WindowWidth": 400},
    "padding": {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 7},
    "inverted": {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 3},
}


def pixel_by_pixel(dataset: Dataset, frame: NDArray[Any]) -> NDArray[Any]:
    made = _shown(dataset, frame, present=np.True_)
    assert isinstance(made, np.ndarray)
    return made


def frames() -> st.SearchStrategy[NDArray[Any]]:
    kinds = st.sampled_from([np.uint8, np.uint16, np.int16])
    return kinds.flatmap(lambda kind: hnp.arrays(kind, (3, 5)))


@settings(deadline=None)
@given(frames(), st.sampled_from(sorted(STEPS)))
def test_by_value_and_by_pixel_are_the_same(frame: NDArray[Any], steps: str) -> None:
    signed = frame.dtype.kind == "i"
    dataset = chest(PixelRepresentation=int(signed), BitsAllocated=16, BitsStored=16, HighBit=15, **STEPS[steps])
    by_value = _seen(dataset, frame[np.newaxis])
    assert isinstance(by_value, np.ndarray)
    assert by_value.dtype == pixel_by_pixel(dataset, frame).dtype
    assert np.array_equal(by_value, pixel_by_pixel(dataset, frame))


@pytest.mark.parametrize("extremes", [(-32768, 32767), (0, 1), (5, 5)])
def test_the_whole_range_of_a_type_has_room(extremes: tuple[int, int]) -> None:
    frame = np.array([extremes, extremes[::-1]], np.int16)
    made = _seen(chest(PixelRepresentation=1), frame[np.newaxis])
    assert isinstance(made, np.ndarray)
    assert made.max() == (0 if extremes[0] == extremes[1] else 65535)


def test_values_of_more_than_sixteen_bits_are_worked_out_pixel_by_pixel() -> None:
    frame = np.array([[0, 1 << 20], [1 << 19, 7]], np.uint32)
    made = _seen(chest(), frame[np.newaxis])
    assert isinstance(made, np.ndarray)
    assert made.tolist() == [[0, 65535], [32768, 0]]


def test_an_image_without_area_is_refused() -> None:
    made = _seen(chest(), np.empty((1, 0, 4), np.uint16))
    assert isinstance(made, Refusal)
    assert made.reason is Reason.FORMAT_CORRUPT
    assert isinstance(decode_dicom(chest()), np.ndarray)
