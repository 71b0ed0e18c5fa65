"""NRRD and MetaImage give what SimpleITK reads from a file, and never open another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.admit.admission import decode
from pipelines.admit.decoded import Decoded
from pipelines.admit.itkformats import decode_itk, decode_itk_volume
from pipelines.admit.sniff import Format, sniff_format
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings

sitk: Any = SimpleITK
POLICY = AdmitSettings()
META = b"ObjectType = Image\nNDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\n"
SUFFIXES = {Format.NRRD: "nrrd", Format.METAIMAGE: "mha"}


def written(
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    kind: Format,
    folder: Path,
    *,
    packed: bool = False,
    direction: tuple[float, ...] | None = None,
) -> bytes:
    image = sitk.GetImageFromArray(values)
    if direction:
        image.SetDirection(direction)
    file = folder / f"x.{SUFFIXES[kind]}"
    sitk.WriteImage(image, str(file), packed)
    return file.read_bytes()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_picture_is_its_own_values_stretched(tmp_path: Path, kind: Format, packed: bool) -> None:  # noqa: FBT001
    values = np.arange(24, dtype=np.int16).reshape(4, 6) - 7
    content = written(values, kind, tmp_path, packed=packed)
    assert sniff_format(content) is kind
    made = decode(content, POLICY)
    assert isinstance(made, np.ndarray)
    assert np.array_equal(made, np.rint((values + 7) / 23 * 65535).astype(np.uint16))


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_volume_is_turned_as_the_body_lies(tmp_path: Path, kind: Format) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    straight = decode_itk_volume(written(values, kind, tmp_path), kind, POLICY)  # columns to the left, rows to the back
    assert isinstance(straight, Decoded)
    assert np.array_equal(straight.pixels, values[:, :, ::-1])
    turned = (-1.0, 0, 0, 0, -1, 0, 0, 0, 1)
    other = decode_itk_volume(written(values, kind, tmp_path, direction=turned), kind, POLICY)
    assert isinstance(other, Decoded)
    assert np.array_equal(other.pixels, values[:, ::-1, :])


@pytest.mark.parametrize("kind", SUFFIXES)
def test_distances_are_those_of_the_header_and_none_where_it_names_none(tmp_path: Path, kind: Format) -> None:
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    image.SetSpacing((0.5, 0.75, 3))
    sitk.WriteImage(image, str(tmp_path / f"s.{SUFFIXES[kind]}"))
    content = (tmp_path / f"s.{SUFFIXES[kind]}").read_bytes()
    made = decode_itk_volume(content, kind, POLICY)
    assert isinstance(made, Decoded)
    assert made.spacing_mm == (3, 0.75, 0.5)
    for unsaid in (b"space directions", b"ElementSpacing", b"ElementSize"):
        content = content.replace(unsaid, b"note" + unsaid)
    bare = decode_itk_volume(content, kind, POLICY)
    assert not isinstance(bare, Decoded) or bare.spacing_mm is None


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_picture_is_no_volume_and_a_volume_no_picture(tmp_path: Path, kind: Format) -> None:
    flat, deep = (
        written(np.zeros((4, 4), np.uint8), kind, tmp_path),
        written(np.zeros((3, 4, 4), np.uint8), kind, tmp_path),
    )
    for made in (decode_itk_volume(flat, kind, POLICY), decode_itk(deep, kind, POLICY)):
        assert isinstance(made, Refusal)
        assert made.reason is Reason.COMPLIANCE_SPATIAL_RANK


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (Format.NRRD, b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 4 4\nencoding: raw\ndata file: {}\n\n"),
        (Format.NRRD, b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 4 4\nencoding: raw\nDatafile: {}\n\n"),
        (
            Format.METAIMAGE,
            b"ObjectType = Image\nNDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\nElementDataFile = {}\n",
        ),
        (
            Format.METAIMAGE,
            b"ObjectType = Image\nNDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\nelementdatafile={}\r\n",
        ),
        (
            Format.METAIMAGE,
            b"ObjectType = Image\nNDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\nElementDataFile = LOCALx\n",
        ),
    ],
)
def test_no_file_that_a_header_names_is_opened(tmp_path: Path, kind: Format, header: bytes) -> None:
    (tmp_path / "secret").write_bytes(bytes(range(16)))
    made = decode_itk(header.replace(b"{}", str(tmp_path / "secret").encode()), kind, POLICY)
    assert isinstance(made, Refusal)
    assert made.reason in (Reason.FORMAT_UNSUPPORTED, Reason.FORMAT_CORRUPT)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_what_a_header_announces_is_held_against_the_policy_before_anything_is_unpacked(
    tmp_path: Path, kind: Format
) -> None:
    content = written(np.zeros((4, 4), np.uint8), kind, tmp_path)
    bomb = content.replace(b"sizes: 4 4", b"sizes: 90000 90000").replace(b"DimSize = 4 4", b"DimSize = 90000 90000")
    made = decode_itk(bomb, kind, POLICY)
    assert isinstance(made, Refusal)
    assert made.reason is Reason.FORMAT_TOO_LARGE


@pytest.mark.parametrize("kind", SUFFIXES)
def test_one_that_ends_early_is_refused(tmp_path: Path, kind: Format) -> None:
    content = written(np.arange(2500, dtype=np.uint8).reshape(50, 50), kind, tmp_path)
    assert isinstance(decode_itk(content[:-1000], kind, POLICY), Refusal)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(SUFFIXES)), st.binary(max_size=200))
def test_no_content_raises(kind: Format, content: bytes) -> None:
    start = b"NRRD0004\n" if kind is Format.NRRD else b"ObjectType = Image\nNDims = 2\n"
    decode_itk(start + content, kind, POLICY)
    decode_itk_volume(start + content, kind, POLICY)
