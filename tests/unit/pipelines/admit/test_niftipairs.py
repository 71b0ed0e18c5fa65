"""A pair is read by its header as the one file that it could have been; each half alone says what it is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.admit.decoded import Decoded
from pipelines.admit.nifti import decode_nifti_volume
from pipelines.admit.niftipairs import is_of_a_pair, join, other_half
from pipelines.admit.reading import read_source
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings

POLICY = AdmitSettings()
KINDS: dict[str, Any] = {"NIfTI-1": nib.Nifti1Pair, "NIfTI-2": nib.Nifti2Pair}
VALUES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def save(folder: Path, kind: str, *, big: bool = False) -> Path:
    made = KINDS[kind](VALUES, np.diag([1.0, 1, 1, 1]))
    if big:
        made = KINDS[kind](VALUES, np.diag([1.0, 1, 1, 1]), made.header.as_byteswapped(">"))
    made.to_filename(folder / "x.hdr")
    return folder / "x.hdr"


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_gives_its_voxels(tmp_path: Path, kind: str, big: bool) -> None:  # noqa: FBT001
    content = read_source(str(save(tmp_path, kind, big=big)), max_bytes=1 << 20)
    assert isinstance(content, bytes)
    made = decode_nifti_volume(content, POLICY)
    assert isinstance(made, Decoded)
    assert np.array_equal(made.pixels, VALUES.transpose(2, 1, 0)[:, ::-1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_voxels_alone_say_what_they_are(tmp_path: Path, kind: str) -> None:
    answer = read_source(str(save(tmp_path, kind).with_suffix(".img")), max_bytes=1 << 20)
    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.FORMAT_NO_PIXELS


def test_a_header_without_its_voxels_is_read_as_it_is_and_refused_later(tmp_path: Path) -> None:
    header = save(tmp_path, "NIfTI-1")
    header.with_suffix(".img").unlink()
    content = read_source(str(header), max_bytes=1 << 20)
    assert isinstance(content, bytes)
    answer = decode_nifti_volume(content, POLICY)
    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.FORMAT_UNSUPPORTED


def test_other_files_of_that_name_stay_as_they_are(tmp_path: Path) -> None:
    for name in ("a.hdr", "a.img"):
        (tmp_path / name).write_bytes(b"something else")
        assert read_source(str(tmp_path / name), max_bytes=99) == b"something else"


def test_both_together_are_held_to_the_policys_size(tmp_path: Path) -> None:
    header = save(tmp_path, "NIfTI-1")
    answer = read_source(str(header), max_bytes=360)
    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.FORMAT_TOO_LARGE


def test_names_are_those_of_a_pair_in_either_case() -> None:
    assert other_half("/a/b.hdr") == "/a/b.img"
    assert other_half("/a/b.IMG") == "/a/b.HDR"
    assert other_half("/a/b.nii") is None


@given(st.binary(max_size=700), st.binary(max_size=64), st.sampled_from([348, 540]))
def test_no_header_makes_joining_raise(noise: bytes, voxels: bytes, size: int) -> None:
    header = bytearray(noise.ljust(size, b"\0"))
    header[:4] = struct.pack("<i", size)
    header[slice(344, 348) if size == 348 else slice(4, 8)] = b"ni1\0" if size == 348 else b"ni2\0"
    assert is_of_a_pair(bytes(header))
    assert len(join(bytes(header), voxels)) <= size + 16 + len(voxels)
