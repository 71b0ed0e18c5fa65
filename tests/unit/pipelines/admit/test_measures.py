"""What a file says of units and distances reaches the recipe; what it does not say is never made up."""

from __future__ import annotations

import cv2
import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset

from pipelines.admit.admission import admit, decode_image
from pipelines.admit.decoded import Decoded
from pipelines.admit.dicom.measures import decode_values, spacing_of
from pipelines.admit.nifti import decode_nifti, decode_nifti_volume
from pipelines.admit.scope import Scope
from sievert.records import Admitted, PlannedInput, Reason, Refusal
from sievert.settings import AdmitSettings
from tests.dicoms import chest, encoded, ramp

POLICY = AdmitSettings()
CT = {"Modality": "CT", "RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 80}
SCOPE = Scope(("CT",), ("CHEST",), in_units=True)


def groups(**attributes: object) -> list[Dataset]:
    inner, outer = Dataset(), Dataset()
    for keyword, value in attributes.items():
        setattr(inner, keyword, value)
    outer.PixelMeasuresSequence = [inner]
    return [outer]


def test_a_ct_slice_is_admitted_with_its_hounsfield_units_beside_the_picture() -> None:
    found = admit(encoded(chest(**CT)), PlannedInput(0, "x"), scope=SCOPE, policy=POLICY).outcome
    assert isinstance(found, Admitted)
    assert found.values is not None
    assert np.array_equal(found.read, ramp() * 2.0 - 1024)
    assert found.pixels.dtype == np.uint16
    assert found.pixels.max() == 65535


def test_a_model_that_does_not_ask_for_values_gets_the_picture_alone() -> None:
    plain = Scope(("CT",), ("CHEST",))
    found = admit(encoded(chest(**CT)), PlannedInput(0, "x"), scope=plain, policy=POLICY).outcome
    assert isinstance(found, Admitted)
    assert found.values is None
    assert found.read is found.pixels


@pytest.mark.parametrize(
    "changes",
    [
        {"RescaleSlope": None, "RescaleIntercept": None},
        {"RescaleType": "US"},
        {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0, "Rows": 32},
    ],
)
def test_a_ct_slice_whose_header_gives_no_hounsfield_units_is_refused(changes: dict[str, object]) -> None:
    dataset = chest(**CT)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    found = decode_values(dataset)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.COMPLIANCE_NO_UNITS


def test_padding_is_no_value() -> None:
    found = decode_values(chest(**CT, PixelPaddingValue=0))
    assert isinstance(found, np.ndarray)
    assert found.min() == found[0, 0] == 8 * 2 - 1024


def test_text_is_blanked_in_the_values_as_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def masked(pixels: np.ndarray, _: AdmitSettings) -> tuple[np.ndarray, tuple[tuple[int, int, int, int], ...]]:
        return pixels, ((60, 50, 80, 90),)

    monkeypatch.setattr("pipelines.admit.admission.treat_text", masked)
    found = admit(encoded(chest(**CT)), PlannedInput(0, "x"), scope=SCOPE, policy=POLICY).outcome
    assert isinstance(found, Admitted)
    assert (found.read[60:80, 50:90] == -1024).all()
    assert found.read[60, 49] > -1024


def test_formats_without_units_are_refused_where_units_are_asked_for() -> None:
    png = cv2.imencode(".png", ramp().astype(np.uint8))[1].tobytes()
    found = decode_image(png, POLICY, in_units=True)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.COMPLIANCE_NO_UNITS
    assert isinstance(decode_image(png, POLICY), Decoded)


@pytest.mark.parametrize(
    ("changes", "spacing"),
    [
        ({}, None),
        ({"PixelSpacing": [0.5, 0.25]}, (0.5, 0.25)),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"PixelSpacing": [0.5, 0.25], "ImagerPixelSpacing": [9, 9]}, (0.5, 0.25)),
        ({"PixelSpacing": [0, 0.25], "ImagerPixelSpacing": [0.3, 0.3]}, (0.3, 0.3)),
        ({"PixelSpacing": [0.5]}, None),
        ({"SharedFunctionalGroupsSequence": groups(PixelSpacing=[0.7, 0.8])}, (0.7, 0.8)),
    ],
)
def test_the_distance_is_the_headers_row_first(changes: dict[str, object], spacing: tuple[float, float] | None) -> None:
    assert spacing_of(chest(**changes)) == spacing
    found = decode_image(encoded(chest(**changes)), POLICY)
    assert isinstance(found, Decoded)
    assert found.spacing_mm == spacing


@pytest.mark.parametrize(
    ("unit", "placed", "factor"),
    [("mm", False, 1), ("meter", False, 1000), ("micron", True, 0.001), ("unknown", True, 1), ("unknown", False, None)],
)
def test_nifti_distances_are_in_mm_where_the_header_says_so(unit: str, placed: bool, factor: float | None) -> None:  # noqa: FBT001
    image = nib.Nifti1Image(np.arange(60, dtype=np.float32).reshape(5, 4, 3), np.diag([2.0, 3.0, 4.0, 1.0]))
    image.header.set_xyzt_units(unit)
    image.set_sform(image.affine if placed else None, int(placed))
    image.set_qform(image.affine if placed else None, int(placed))
    found = decode_nifti_volume(image.to_bytes(), POLICY)
    assert isinstance(found, Decoded)
    assert found.spacing_mm == (None if factor is None else (4 * factor, 3 * factor, 2 * factor))


def test_a_nifti_picture_keeps_its_values_and_the_distances_of_its_two_axes() -> None:
    values = np.arange(20, dtype=np.float32).reshape(5, 1, 4) - 3
    image = nib.Nifti1Image(values, np.diag([2.0, 3.0, 4.0, 1.0]))
    image.header.set_xyzt_units("mm")
    found = decode_nifti(image.to_bytes(), POLICY)
    assert isinstance(found, Decoded)
    assert found.spacing_mm == (4, 2)
    assert found.values is not None
    assert np.array_equal(found.values, values[:, 0].T[::-1])


def test_a_distance_that_no_parser_reads_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(Dataset, "get", unreadable)
    assert spacing_of(Dataset()) is None
