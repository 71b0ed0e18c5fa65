"""Comments and what stands behind a codestream go; the picture decodes to the same values."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless

from pipelines.admit.profile.codestreams import clean_jpeg, clean_jpeg2000
from tests.dicoms import chest

NEEDLE = b"DOE^JANE"
COMMENT = b"\xff\xfe" + (len(NEEDLE) + 2).to_bytes(2, "big") + NEEDLE
EXIF = b"\xff\xe1" + (len(NEEDLE) + 8).to_bytes(2, "big") + b"Exif\0\0" + NEEDLE


def jpeg(*, progressive: bool = False) -> bytes:
    """A picture in colour whose values do not repeat."""
    picture = np.random.default_rng(1).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)])[1].tobytes()


def decoded(frame: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Its values."""
    return np.asarray(cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_jpeg_loses_comments_wherever_they_stand(progressive: bool) -> None:  # noqa: FBT001
    plain = jpeg(progressive=progressive)
    scan = plain.index(b"\xff\xda")
    stuffed = plain[:2] + EXIF + plain[2:scan] + COMMENT + plain[scan:-2] + COMMENT + plain[-2:] + NEEDLE
    cleaned = clean_jpeg(stuffed)
    assert NEEDLE not in cleaned
    assert np.array_equal(decoded(cleaned), decoded(plain))


def test_a_jpeg_keeps_what_says_how_colours_are_meant_and_no_thumbnail() -> None:
    assert b"JFIF\0" in clean_jpeg(jpeg())
    with_thumbnail = b"\xff\xe0\x00\x13JFIF\0\x01\x01\0\0\1\0\1\1\1ABC"
    assert b"ABC" not in clean_jpeg(jpeg()[:2] + with_thumbnail + jpeg()[2:])


def test_a_jpeg2000_says_nothing_in_its_comments() -> None:
    dataset = chest()
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    place = frame.index(b"\xff\x52")  # A.6.1: coding style, behind the size marker
    comment = b"\xff\x64" + (len(NEEDLE) + 4).to_bytes(2, "big") + b"\0\1" + NEEDLE
    cleaned = clean_jpeg2000(frame[:place] + comment + frame[place:] + NEEDLE)
    assert NEEDLE not in cleaned
    assert np.array_equal(decoded_jpeg2000(cleaned), decoded_jpeg2000(frame))


def decoded_jpeg2000(frame: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Its values."""
    from openjpeg.utils import decode

    return np.asarray(decode(frame))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_codestream_are_refused_and_never_loop(content: bytes) -> None:
    for clean, start in ((clean_jpeg, b"\xff\xd8"), (clean_jpeg2000, b"\xff\x4f\xff\x51")):
        try:
            clean(start + content)
        except ValueError:
            continue


@pytest.mark.parametrize("clean", [clean_jpeg, clean_jpeg2000])
def test_a_frame_without_an_end_is_refused(clean: object) -> None:
    with pytest.raises(ValueError, match="codestream"):
        clean(b"\xff\xd8\xff\xe0\x00\x04ab")  # type: ignore[operator]
