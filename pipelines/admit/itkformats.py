"""Decodes NRRD and MetaImage with SimpleITK, each as one file that holds header and voxels."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK

from pipelines.admit.sniff import Format
from pipelines.admit.stretching import finite_volume, stretched_picture
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from numpy.typing import NDArray

    from sievert.settings import AdmitSettings

    Pixels = TypeVar("Pixels")

sitk: Any = SimpleITK  # it ships types for a part of itself
sitk.ProcessObject.SetGlobalWarningDisplay(False)  # its warnings quote headers

_IO = {Format.NRRD: "NrrdImageIO", Format.METAIMAGE: "MetaImageIO"}
_HEADER_BYTES = 1 << 16
_LINES = re.IGNORECASE | re.MULTILINE
_NRRD_DATA = re.compile(rb"^[ \t]*data ?file[ \t]*:", _LINES)
_META_DATA = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=([^\r\n]*)", _LINES)
_RIGHT_BACK_HEAD = "RPS"
"""Where columns, rows and slices run to."""


def decode_itk(content: bytes, kind: Format, policy: AdmitSettings) -> NDArray[np.uint16] | Refusal:
    """Decode a two-dimensional image.

    Args:
        content: The file.
        kind: NRRD or MetaImage.
        policy: Its `max_pixels` is held against the header before anything is unpacked.

    Returns:
        Shape [row, column], uint16, the image's own range stretched to 0 … 65,535; or why it is refused. A volume is.
    """
    return _decode(content, kind, policy, _picture)


def decode_itk_volume(content: bytes, kind: Format, policy: AdmitSettings) -> NDArray[np.float32] | Refusal:
    """Decode a three-dimensional image, its axes turned to the nearest ones of the body.

    Args:
        content: The file.
        kind: NRRD or MetaImage.
        policy: As for `decode_itk`.

    Returns:
        Shape [slice, row, column]: slices from foot to head, rows from front to back, columns from the left to the
        right of the body; or why it is refused.
    """
    return _decode(content, kind, policy, _volume)


def _decode(
    content: bytes, kind: Format, policy: AdmitSettings, read: Callable[[Any], Pixels | Refusal]
) -> Pixels | Refusal:
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


def _picture(reader: Any) -> NDArray[np.uint16] | Refusal:  # noqa: ANN401 - as above
    sides = [side for side in reader.GetSize() if side != 1]
    if len(sides) > 2:  # noqa: PLR2004 - more than rows and columns
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, f"It has {len(sides)} dimensions.")
    return stretched_picture(np.squeeze(sitk.GetArrayFromImage(reader.Execute())).astype(np.float64))


def _volume(reader: Any) -> NDArray[np.float32] | Refusal:  # noqa: ANN401 - as above
    if reader.GetDimension() != 3:  # noqa: PLR2004 - right, back and head
        rank = reader.GetDimension()
        return Refusal(Reason.COMPLIANCE_SPATIAL_RANK, f"A volume is asked for; it has {rank} dimensions.")
    turned = sitk.DICOMOrient(reader.Execute(), _RIGHT_BACK_HEAD)
    return finite_volume(sitk.GetArrayFromImage(turned))
