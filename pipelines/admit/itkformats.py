"""Decodes NRRD and MetaImage with SimpleITK, each as one file that holds header and voxels."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK

from pipelines.admit.decoded import Decoded
from pipelines.admit.sniff import Format
from pipelines.admit.stretching import finite_volume, stretched_picture
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sievert.settings import AdmitSettings

sitk: Any = SimpleITK  # it ships types for a part of itself
sitk.ProcessObject.SetGlobalWarningDisplay(False)  # its warnings quote headers

_IO = {Format.NRRD: "NrrdImageIO", Format.METAIMAGE: "MetaImageIO"}
_HEADER_BYTES = 1 << 16
_LINES = re.IGNORECASE | re.MULTILINE
_NRRD_DATA = re.compile(rb"^[ \t]*data ?file[ \t]*:", _LINES)
_META_DATA = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=([^\r\n]*)", _LINES)
# NRRD format definition 5.5: `space directions` or `spacings`, `space units` or `units`; MetaIO: ElementSpacing, in mm
_SPACED = re.compile(rb"^[ \t]*(space directions|spacings)[ \t]*:|^[ \t]*Element(Spacing|Size)[ \t]*=", _LINES)
_UNITS = re.compile(rb"^[ \t]*(?:space )?units[ \t]*:([^\r\n]*)", _LINES)
_QUOTED = re.compile(rb'"([^"]*)"')
_RIGHT_BACK_HEAD = "RPS"
"""Where columns, rows and slices run to."""


def decode_itk(content: bytes, kind: Format, policy: AdmitSettings) -> Decoded | Refusal:
    """Decode a two-dimensional image.

    Args:
        content: The file.
        kind: NRRD or MetaImage.
        policy: Its `max_pixels` is held against the header before anything is unpacked.

    Returns:
        Shape [row, column], uint16, the image's own range stretched to 0 … 65,535, and its values; or why it is
        refused. A volume is.
    """
    return _measured(_decode(content, kind, policy, _picture), content)


def decode_itk_volume(content: bytes, kind: Format, policy: AdmitSettings) -> Decoded | Refusal:
    """Decode a three-dimensional image, its axes turned to the nearest ones of the body.

    Args:
        content: The file.
        kind: NRRD or MetaImage.
        policy: As for `decode_itk`.

    Returns:
        Shape [slice, row, column]: slices from foot to head, rows from front to back, columns from the left to the
        right of the body; or why it is refused.
    """
    return _measured(_decode(content, kind, policy, _volume), content)


def _decode(
    content: bytes, kind: Format, policy: AdmitSettings, read: Callable[[Any], Decoded | Refusal]
) -> Decoded | Refusal:
    if _lies_elsewhere(content, kind):  # it could name any file of this machine
        return Refusal(Reason.FORMAT_UNSUPPORTED, "Its voxels lie in another file.")
    try:
        with _as_file(content) as name:
            reader = sitk.ImageFileReader()
            reader.SetImageIO(_IO[kind])
            reader.SetFileName(name)
            reader.ReadImageInformation()
            return _why_not(reader, policy) or read(reader)
    except Exception as error:  # noqa: BLE001 - whatever a header makes ITK raise; its text may quote it
        short = any(sign in str(error).lower() for sign in ("eof", "could not read", "failed to read", "truncated"))
        return Refusal(Reason.FORMAT_TRUNCATED if short else Reason.FORMAT_CORRUPT)


def _lies_elsewhere(content: bytes, kind: Format) -> bool:
    """NRRD's header ends at the first empty line, MetaImage's with the line that says where the voxels are."""
    if kind is Format.NRRD:
        return bool(_NRRD_DATA.search(re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]))
    last = _META_DATA.search(content[:_HEADER_BYTES])
    return last is None or last[1].strip() != b"LOCAL"


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """The content under a name that ITK can open; it lies in memory, not on a disk."""
    descriptor = os.memfd_create("image")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _why_not(reader: Any, policy: AdmitSettings) -> Refusal | None:  # noqa: ANN401 - untyped there
    if reader.GetNumberOfComponents() != 1:
        return Refusal(Reason.COMPLIANCE_COLOUR)
    if int(np.prod(np.array(reader.GetSize(), np.float64))) > policy.max_pixels:
        return Refusal(Reason.FORMAT_TOO_LARGE)
    return None


def _picture(reader: Any) -> Decoded | Refusal:  # noqa: ANN401 - as above
    sides = [side for side in reader.GetSize() if side != 1]
    if len(sides) > 2:  # noqa: PLR2004 - more than rows and columns
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, f"It has {len(sides)} dimensions.")
    values = np.squeeze(sitk.GetArrayFromImage(reader.Execute())).astype(np.float64)
    picture = stretched_picture(values)
    if isinstance(picture, Refusal):
        return picture
    pairs = zip(reader.GetSize(), reader.GetSpacing(), strict=True)
    return Decoded(picture, values.astype(np.float32), tuple(mm for side, mm in pairs if side != 1)[::-1])


def _volume(reader: Any) -> Decoded | Refusal:  # noqa: ANN401 - as above
    if reader.GetDimension() != 3:  # noqa: PLR2004 - right, back and head
        rank = reader.GetDimension()
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, f"A volume is asked for; it has {rank} dimensions.")
    turned = sitk.DICOMOrient(reader.Execute(), _RIGHT_BACK_HEAD)
    volume = finite_volume(sitk.GetArrayFromImage(turned))
    return volume if isinstance(volume, Refusal) else Decoded(volume, spacing_mm=turned.GetSpacing()[::-1])


def _measured(decoded: Decoded | Refusal, content: bytes) -> Decoded | Refusal:
    """ITK takes 1 mm where a header names no distance, and does not look at its unit."""
    if isinstance(decoded, Refusal):
        return decoded
    header = content[:_HEADER_BYTES].split(b"\n\n", 1)[0]
    units = _UNITS.findall(header)
    said = _SPACED.search(header) and all(unit == b"mm" for unit in _QUOTED.findall(b" ".join(units)))
    return decoded if said else replace(decoded, spacing_mm=None)
