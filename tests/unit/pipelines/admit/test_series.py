"""Voxels of a volume lie where the slices' headers say, or the series is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from pipelines.admit.dicom.parsing import parse_dicom
from pipelines.admit.series.assembling import Assembled, assemble
from pipelines.admit.series.geometry import Plane, stack_planes
from pipelines.admit.series.slices import Slice, read_slices
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings
from tests.dicoms import SIDE, chest, encoded, ramp

WITHIN_MM = 0.01
SHAPE = (12, 10)
POLICY = AdmitSettings()


def places(plane: Plane) -> np.ndarray:
    """Shape [row, column, 3]: where the centre of each pixel is, by PS3.3 C.7.6.2.1.1."""
    row, column = np.indices(plane.shape)
    along = column[..., None] * plane.column_mm * plane.along_row + row[..., None] * plane.row_mm * plane.along_column
    return np.asarray(plane.position + along)


def plane(position: np.ndarray, turn: np.ndarray, shape: tuple[int, int] = SHAPE) -> Plane:
    return Plane(position, turn[:, 0], turn[:, 1], 0.7, 0.9, shape)


def turned(x: float, y: float, z: float) -> np.ndarray:
    """A rotation matrix of three angles."""
    (a, b), (c, d), (e, f) = ((np.cos(angle), np.sin(angle)) for angle in (x, y, z))
    return np.asarray(
        np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
        @ np.array([[c, 0, d], [0, 1, 0], [-d, 0, c]])
        @ np.array([[e, -f, 0], [f, e, 0], [0, 0, 1]])
    )


def worst_mm(planes: list[Plane]) -> tuple[float, float]:
    """How far a voxel's place lies from where its value says, and which share of the volume holds values.

    The values are the coordinates themselves, one volume an axis; interpolation leaves them what they are.
    """
    volumes = []
    for axis in range(3):
        made = assemble([Slice(one, places(one)[..., axis].astype(np.float32)) for one in planes], POLICY)
        assert isinstance(made, Assembled)
        volumes.append(made.volume)
    found = np.stack([volume.values for volume in volumes], axis=-1)
    slice_, row, column = np.indices(found.shape[:3])
    indices = np.stack([column, row, slice_, np.ones_like(row)], axis=-1)
    claimed = (indices @ volumes[0].affine.T)[..., :3]
    background = np.array([volume.values.min() for volume in volumes])
    inside = ~np.isclose(found, background, atol=1e-4).any(axis=-1)
    return float(np.abs(found - claimed)[inside].max()), float(inside.mean())


@settings(max_examples=40, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    gaps=st.lists(st.floats(1, 3), min_size=2, max_size=7),
    tilt=st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
)
def test_every_voxel_of_an_uneven_tilted_series_lies_where_its_slices_lay(
    angles: tuple[float, float, float], gaps: list[float], tilt: tuple[float, float]
) -> None:
    turn = turned(*angles)
    heights = np.concatenate([[0], np.cumsum(gaps)])
    planes = [plane(turn @ np.array([tilt[0] * z, tilt[1] * z, z]) + 20, turn) for z in heights]
    off, share = worst_mm([planes[-1], *planes[:-1]])
    assert off < WITHIN_MM
    assert share > 0.05


def test_even_upright_slices_become_the_volume_as_they_are_in_whatever_order_they_come() -> None:
    turn, values = turned(0.3, 0.2, 0.1), np.random.default_rng(0).random((5, *SHAPE), dtype=np.float32)
    slices = [Slice(plane(turn @ np.array([0, 0, 2.5 * z]), turn), values[z]) for z in range(5)]
    made = assemble(slices[::-1], POLICY)
    assert isinstance(made, Assembled)
    assert np.array_equal(made.volume.values, values)
    assert not made.volume.resampled
    assert made.volume.spacing_mm == pytest.approx((2.5, 0.7, 0.9))


@pytest.mark.parametrize(
    ("heights", "tilt", "policy", "reason"),
    [
        ([0, 1, 3], 0, {"uneven_slices": "refuse"}, Reason.COMPLIANCE_UNEVEN_SLICES),
        ([0, 1, 2], 0.3, {"tilted_gantry": "refuse"}, Reason.COMPLIANCE_TILTED),
        ([0, 1, 1], 0, {}, Reason.COMPLIANCE_GEOMETRY),
        ([0], 0, {}, Reason.COMPLIANCE_GEOMETRY),
        ([0, 0.001, 9000], 0, {"max_voxels": 1000}, Reason.COMPLIANCE_GEOMETRY),
        ([0, 1, 2, 9000], 0, {}, Reason.COMPLIANCE_GEOMETRY),
        ([0, 1, 2, 9000], 0, {"max_gap": 9999, "max_voxels": 9000}, Reason.FORMAT_TOO_LARGE),
    ],
)
def test_what_the_policy_does_not_want_is_refused(
    heights: list[float], tilt: float, policy: dict[str, object], reason: Reason
) -> None:
    planes = [plane(np.array([0, tilt * z, z], float), np.eye(3)) for z in heights]
    made = assemble([Slice(one, np.zeros(SHAPE, np.float32)) for one in planes], AdmitSettings.model_validate(policy))
    assert isinstance(made, Refusal)
    assert made.reason == reason


def test_slices_that_differ_in_orientation_spacing_or_size_are_no_volume() -> None:
    one = plane(np.zeros(3), np.eye(3))
    for other in (
        plane(np.ones(3), turned(0, 0, 0.1)),
        plane(np.ones(3), np.eye(3), (12, 11)),
        Plane(np.ones(3), one.along_row, one.along_column, 0.7, 0.95, SHAPE),
    ):
        assert isinstance(stack_planes([one, other]), str)


def test_an_enhanced_object_has_a_slice_a_frame() -> None:
    dataset = chest(NumberOfFrames=2, PixelData=np.stack([ramp(), ramp() + 1]).tobytes())
    shared = Dataset()
    shared.PlaneOrientationSequence = [sequence_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    shared.PixelMeasuresSequence = [sequence_item(PixelSpacing=[0.5, 0.5])]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = [Dataset(), Dataset()]
    for height, frame in enumerate(frames):
        frame.PlanePositionSequence = [sequence_item(ImagePositionPatient=[0, 0, 3 * height])]
    dataset.PerFrameFunctionalGroupsSequence = frames
    parsed = parse_dicom(encoded(dataset), POLICY)
    assert isinstance(parsed, Dataset)
    slices = read_slices(parsed)
    assert isinstance(slices, list)
    made = assemble(slices, POLICY)
    assert isinstance(made, Assembled)
    assert made.volume.values.shape == (2, SIDE, SIDE)
    assert made.volume.spacing_mm == pytest.approx((3, 0.5, 0.5))


def sequence_item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 1, 0, 0], "PixelSpacing": [1, 1]},
        {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [0, 1]},
        {"ImagePositionPatient": [0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1]},
    ],
)
def test_slices_that_cannot_be_placed_are_refused(changes: dict[str, object]) -> None:
    parsed = parse_dicom(encoded(chest(**changes)), POLICY)
    assert isinstance(parsed, Dataset)
    refused = read_slices(parsed)
    assert isinstance(refused, Refusal)
    assert refused.reason == Reason.COMPLIANCE_GEOMETRY


def test_a_real_ct_with_a_tilted_gantry_and_uneven_gaps_keeps_its_positions(shared_data: Path) -> None:
    slices: list[Slice] = []
    for file in sorted((shared_data / "dicom" / "ct_ge").glob("*.dcm")):
        parsed = parse_dicom(file.read_bytes(), POLICY)
        assert isinstance(parsed, Dataset)
        read = read_slices(parsed)
        assert isinstance(read, list)
        slices += read
    made = assemble(slices, POLICY)
    assert isinstance(made, Assembled)
    assert made.stack.tilt_deg == pytest.approx(18.5, abs=0.1)
    assert min(made.stack.gaps_mm) < 2 < max(made.stack.gaps_mm)
    assert made.volume.values.shape[0] > len(slices) / 2
    off, share = worst_mm([one.plane for one in slices])
    assert off < WITHIN_MM
    assert share > 0.5
    assert assemble(slices, AdmitSettings(uneven_slices="refuse")) == Refusal(
        Reason.COMPLIANCE_UNEVEN_SLICES, f"Gaps are between {min(made.stack.gaps_mm):.2f} and 7.00 mm."
    )
