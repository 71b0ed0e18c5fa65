"""TIFF of 8 and 16 bits, one picture a file, is read; anything else that is one is refused with its reason."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.admit.admission import decode
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings

RAMP = np.add.outer(np.arange(96), np.arange(96))
EIGHT, SIXTEEN = RAMP.astype(np.uint8), (RAMP * 300).astype(np.uint16)


def tiff(pixels: np.ndarray, mode: str | None = None, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    file = io.BytesIO()
    picture = Image.fromarray(pixels) if mode is None else Image.fromarray(pixels).convert(mode)
    picture.save(file, "TIFF", **options)
    return file.getvalue()


def decoded(content: bytes) -> np.ndarray:
    found = decode(content, AdmitSettings())
    assert not isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("pixels", [EIGHT, SIXTEEN], ids=["8 bit", "16 bit"])
def test_grey_is_read_to_its_values(pixels: np.ndarray, compression: str | None) -> None:
    found = decoded(tiff(pixels, compression=compression))
    assert found.dtype == pixels.dtype
    assert np.array_equal(found, pixels)


def test_grey_stored_in_colour_is_read_as_grey_and_colour_is_refused() -> None:
    assert np.array_equal(decoded(tiff(np.repeat(EIGHT[..., None], 3, axis=2))), EIGHT)
    coloured = np.stack([EIGHT, EIGHT[::-1], EIGHT], axis=2)
    assert decode(tiff(coloured), AdmitSettings()) == Refusal(Reason.COMPLIANCE_COLOUR)


def test_white_that_is_low_is_turned_round() -> None:
    assert np.array_equal(decoded(tiff(SIXTEEN, tiffinfo={262: 0})), ~SIXTEEN)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff(EIGHT, save_all=True, append_images=[Image.fromarray(EIGHT)]), Reason.COMPLIANCE_SPATIAL_RANK),
        (tiff(EIGHT, "1"), Reason.COMPLIANCE_BIT_DEPTH),
        (tiff(RAMP.astype(np.float32)), Reason.FORMAT_UNSUPPORTED),
        (tiff(SIXTEEN)[:200], None),
        (tiff(SIXTEEN, compression="tiff_lzw")[:-3000], None),
    ],
)
def test_what_is_no_single_grey_picture_is_refused(content: bytes, reason: Reason | None) -> None:
    refused = decode(content, AdmitSettings())
    assert isinstance(refused, Refusal)
    assert refused.reason == reason or (reason is None and refused.reason.family == "format")
