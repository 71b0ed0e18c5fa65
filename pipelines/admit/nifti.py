"""Decodes NIfTI-1 and -2 with nibabel: single pictures for screening, volumes for training and evaluation."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes

from pipelines.admit.decoded import Decoded
from pipelines.admit.stretching import finite_volume, stretched_picture
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sievert.settings import AdmitSettings

_MM = {"mm": 1.0, "meter": 1000.0, "micron": 0.001}
_MAGIC = slice(344, 348)  # NIfTI-1


def decode_nifti(content: bytes, policy: AdmitSettings) -> Decoded | Refusal:
    """Decode a two-dimensional NIfTI image.

    Args:
        content: The file, gzip-compressed or not.
        policy: Its `max_pixels` bounds what is unpacked.

    Returns:
        Shape [row, column], uint16, the image's own range stretched to 0 … 65,535, and its values as scaled by the
        header; or why it is refused. A volume is refused: the models of this release read single pictures.
    """
    return _decode(content, policy, _picture)


def decode_nifti_volume(content: bytes, policy: AdmitSettings) -> Decoded | Refusal:
    """Decode a three-dimensional NIfTI image, its axes turned to the nearest ones of the body.

    Args:
        content: The file, gzip-compressed or not.
        policy: Its `max_pixels` bounds what is unpacked.

    Returns:
        Shape [slice, row, column], values as scaled by the header: slices from foot to head, rows from front to back,
        columns from the left to the right of the body; or why it is refused.
    """
    return _decode(content, policy, _volume)


def _decode(
    content: bytes, policy: AdmitSettings, read: Callable[[nib.Nifti1Image, AdmitSettings], Decoded | Refusal]
) -> Decoded | Refusal:
    try:
        plain = _unpacked(content, policy.max_file_bytes)
        if plain[_MAGIC] == b"ni1\0":
            return Refusal(Reason.FORMAT_UNSUPPORTED, "It is one file of a pair; its voxels lie in the other.")
        image = (nib.Nifti2Image if plain[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c") else nib.Nifti1Image).from_bytes(
            plain
        )
        if image.get_data_dtype().kind not in "iuf":
            return Refusal(Reason.FORMAT_UNSUPPORTED, "Its values are not plain numbers.")
        return read(image, policy)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return Refusal(Reason.FORMAT_TRUNCATED)
    except Exception as error:  # noqa: BLE001 - whatever a header makes nibabel raise
        short = "Expected" in str(error) and "bytes" in str(error)
        return Refusal(Reason.FORMAT_TRUNCATED if short else Reason.FORMAT_CORRUPT)


def _unpacked(content: bytes, most: int) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    with gzip.open(io.BytesIO(content)) as packed:
        return packed.read(most)


def _picture(image: nib.Nifti1Image, policy: AdmitSettings) -> Decoded | Refusal:
    sides = [side for side in image.shape if side != 1]
    if len(sides) > 2:  # noqa: PLR2004 - more than rows and columns
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, f"It has {len(sides)} dimensions.")
    if int(np.prod(image.shape)) > policy.max_pixels:
        return Refusal(Reason.FORMAT_TOO_LARGE)
    values = np.squeeze(np.asarray(image.dataobj, dtype=np.float64))
    # NIfTI's first axis runs to the right, its second to the front: transposed and flipped it is a picture
    upright = values.T[::-1] if values.ndim == 2 else values  # noqa: PLR2004 - as above
    picture = stretched_picture(upright)
    if isinstance(picture, Refusal):
        return picture
    return Decoded(picture, np.asarray(upright, np.float32), _spacing(image, image, long=True))


def _volume(image: nib.Nifti1Image, policy: AdmitSettings) -> Decoded | Refusal:
    sides, times = image.shape[:3], image.shape[3:]
    if len(sides) != 3 or any(count != 1 for count in times):  # noqa: PLR2004 - right, front and head
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, f"A volume is asked for; it has {len(image.shape)} dimensions.")
    if int(np.prod(sides)) > policy.max_pixels:
        return Refusal(Reason.FORMAT_TOO_LARGE)
    turned = nib.as_closest_canonical(image)
    values = np.asarray(turned.dataobj, dtype=np.float64).reshape(turned.shape[:3])
    volume = finite_volume(values.transpose(2, 1, 0)[:, ::-1])
    return volume if isinstance(volume, Refusal) else Decoded(volume, spacing_mm=_spacing(image, turned))


def _spacing(image: nib.Nifti1Image, turned: nib.Nifti1Image, *, long: bool = False) -> tuple[float, ...] | None:
    """How far apart voxels lie, in mm, last axis first; with `long` only of axes with more than one voxel.

    nifti1.h: xyzt_units names the unit; where it is left open but a space is named, that space is in mm.
    """
    header = image.header  # turning names a space of its own
    unit = header.get_xyzt_units()[0]
    placed = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    factor = _MM.get(unit, 1.0 if placed else 0.0)
    sides = zip(turned.shape[:3], voxel_sizes(turned.affine), strict=False)
    found = tuple(float(mm) * factor for side, mm in sides if not long or side != 1)[::-1]
    return found if all(np.isfinite(found)) and min(found, default=0) > 0 else None
