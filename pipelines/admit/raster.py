"""Decodes PNG, JPEG and TIFF: Pillow reads the header, OpenCV the pixels of the first two."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from pipelines.admit.colour import grey_of_colour
from pipelines.admit.sniff import Format
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sievert.settings import AdmitSettings

_PNG_DEPTH = 24  # PNG specification 11.2.2: bits a sample, in IHDR
_BYTE = 8
_TIFF_MODES = frozenset({"L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B", "I;16L"})
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_TRAILER_BYTES = 256  # what some encoders append behind the end
_EOI = b"\xff\xd9"  # ISO/IEC 10918-1 B.1.1.3: end of image


def decode_raster(
    content: bytes, kind: Format, policy: AdmitSettings
) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """Decode a PNG, JPEG or TIFF to grey.

    Args:
        content: The file.
        kind: One of these.
        policy: Its `max_pixels` and `min_bits` are looked at before decoding.

    Returns:
        Shape [row, column], uint8 or, for 16-bit PNG and TIFF, uint16; or why it is refused.
    """
    if refusal := _check_header(content, kind, policy):
        return refusal
    pixels = _tiff(content) if kind is Format.TIFF else cv2.imdecode(_as_array(content), cv2.IMREAD_UNCHANGED)
    if isinstance(pixels, Refusal):
        return pixels
    if pixels is None:
        return Refusal(Reason.FORMAT_CORRUPT)
    return grey_of_colour(pixels) if pixels.ndim == 3 else pixels  # noqa: PLR2004 - row, column, channel


def _as_array(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)


def _tiff(content: bytes) -> NDArray[np.uint8] | NDArray[np.uint16] | Refusal:
    """The one picture of a TIFF, as plain OME-TIFF is one, too; white is high (TIFF 6.0, PhotometricInterpretation)."""
    try:
        with Image.open(io.BytesIO(content), formats=["TIFF"]) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                return Refusal(Reason.COMPLIANCE_SPATIAL_RANK)
            if picture.mode not in _TIFF_MODES:
                return Refusal(Reason.FORMAT_UNSUPPORTED)
            deep = picture.mode.startswith("I;16")
            inverted = (
                deep and getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
            )  # Pillow turns 8 bits round, not 16
            pixels = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
    except Exception as error:  # noqa: BLE001 - whatever a file makes Pillow or a codec of its raise
        return Refusal(_truncated_or_corrupt(error))
    grey = pixels.astype(np.uint16) if deep else pixels
    return np.asarray(~grey if inverted else grey)


def _check_header(content: bytes, kind: Format, policy: AdmitSettings) -> Refusal | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the policy's own limit follows
            picture = Image.open(io.BytesIO(content), formats=[kind.value.upper()])
    except Image.DecompressionBombError:
        return Refusal(Reason.FORMAT_TOO_LARGE)
    except Exception as error:  # noqa: BLE001 - whatever the header makes Pillow raise
        return Refusal(_truncated_or_corrupt(error))
    if picture.width * picture.height > policy.max_pixels:
        return Refusal(Reason.FORMAT_TOO_LARGE)
    if _depth(picture, content) < policy.min_bits:
        return Refusal(Reason.COMPLIANCE_BIT_DEPTH)
    return None if kind is Format.TIFF else _check_whole(content, picture)


def _depth(picture: Image.Image, content: bytes) -> int:
    """Bits a sample, of what is no palette."""
    if picture.format == "PNG" and picture.mode != "P":
        return content[_PNG_DEPTH]
    return 1 if picture.mode == "1" else _BYTE


def _check_whole(content: bytes, picture: Image.Image) -> Refusal | None:
    """Whether the file is all there: every chunk's checksum of a PNG, the end marker of a JPEG."""
    if picture.format == "JPEG":
        return None if _EOI in content[-_TRAILER_BYTES:] else Refusal(Reason.FORMAT_TRUNCATED)
    if b"IEND" not in content[-4096:]:
        return Refusal(Reason.FORMAT_TRUNCATED)
    try:
        picture.verify()  # PNG specification 5.4: a CRC a chunk
    except Exception as error:  # noqa: BLE001 - as above
        return Refusal(_truncated_or_corrupt(error))
    return None


def _truncated_or_corrupt(error: Exception) -> Reason:
    return Reason.FORMAT_TRUNCATED if "truncated" in str(error).lower() else Reason.FORMAT_CORRUPT
