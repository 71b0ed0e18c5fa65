"""Decodes all frames of a DICOM object to the values that they mean."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from pipelines.admit.dicom.parsing import frames_of
from pipelines.admit.dicom.repairs import mend_scan_header
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_BYTE = 8
_SIZ = b"\xff\x4f\xff\x51"  # JPEG 2000: start of codestream, then the size marker
_SAMPLES = 3


def decode_frames(dataset: Dataset) -> NDArray[Any] | Refusal:
    """Decode every frame to what its values mean.

    Args:
        dataset: As `parse_dicom` returned it.

    Returns:
        Grey: shape [frame, row, column], after modality LUT or rescale (PS3.3 C.11.1), MONOCHROME1 left as it is.
        Colour: shape [frame, row, column, 3], RGB, uint8 or uint16; YBR converted (C.7.6.3.1.2), palettes looked up
        (C.7.9). Or why there is nothing.
    """
    stored = decode_stored(dataset)
    return stored if isinstance(stored, Refusal) else attempted(lambda: _meant(dataset, stored))


def decode_stored(dataset: Dataset) -> NDArray[Any] | Refusal:
    """Decode every frame to what is stored, before any look-up table.

    Returns:
        Shape [frame, row, column] or, of true colour, [frame, row, column, 3] in RGB; or why there is nothing.
    """
    return attempted(lambda: _why_not_to_decode(dataset) or _framed(dataset, _decoded(dataset)))


def _why_not_to_decode(dataset: Dataset) -> Refusal | None:
    """What a codec must not be given, since it would take it."""
    if _has_narrow_lut(dataset):
        return Refusal(Reason.FORMAT_UNSUPPORTED, "A look-up table has more entries than its own values can count.")
    if _codestream_differs(dataset):
        return Refusal(Reason.FORMAT_CORRUPT, "Header and codestream disagree on rows and columns.")
    return None


def attempted(work: Callable[[], NDArray[Any] | Refusal]) -> NDArray[Any] | Refusal:
    """Do what may fail in any way that a file can think of."""
    try:
        return work()
    except NotImplementedError:
        return Refusal(Reason.FORMAT_UNSUPPORTED)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a file makes a codec raise: a panic of Rust is no Exception
        return Refusal(_why_not_decoded(error))


def is_colour(dataset: Dataset) -> bool:
    """Whether a pixel means more than one value (PS3.3 C.7.6.3.1.2)."""
    return int(dataset.SamplesPerPixel) > 1 or _has_palette(dataset)


def rescaled(dataset: Dataset, stored: NDArray[Any]) -> NDArray[Any]:
    """Apply modality LUT or rescale, an enhanced object's frame by frame (PS3.3 C.7.6.16.2.9).

    Args:
        dataset: Whose it is.
        stored: Shape [frame, row, column].
    """
    groups = [transformation_of(dataset, frame) for frame in range(len(stored))]
    if not any(groups):
        return np.asarray(apply_modality_lut(stored, dataset))
    return np.stack(
        [
            np.asarray(apply_modality_lut(frame, dataset if group is None else group))
            for frame, group in zip(stored, groups, strict=True)
        ]
    )


def transformation_of(dataset: Dataset, frame: int) -> Dataset | None:
    """What the frame's functional groups, else the shared ones, say of rescaling."""
    own, shared = dataset.get("PerFrameFunctionalGroupsSequence"), dataset.get("SharedFunctionalGroupsSequence")
    for group in (own[frame] if own and frame < len(own) else None, shared[0] if shared else None):
        found = group.get("PixelValueTransformationSequence") if group is not None else None
        if found:
            return cast("Dataset", found[0])
    return None


def _decoded(dataset: Dataset) -> NDArray[Any]:
    try:
        values = np.asarray(dataset.pixel_array)
    except RuntimeError:
        if not mend_scan_header(dataset):
            raise
        values = np.asarray(dataset.pixel_array)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _framed(dataset: Dataset, values: NDArray[Any]) -> NDArray[Any]:
    """With an axis of frames in front, of one frame too."""
    return values if frames_of(dataset) > 1 else values[np.newaxis]


def _meant(dataset: Dataset, stored: NDArray[Any]) -> NDArray[Any]:
    if _has_palette(dataset):
        return np.asarray(apply_color_lut(stored, dataset))[..., :_SAMPLES]
    return stored if is_colour(dataset) else rescaled(dataset, stored)


def _has_palette(dataset: Dataset) -> bool:
    return str(dataset.get("PhotometricInterpretation") or "") == "PALETTE COLOR"


def _has_narrow_lut(dataset: Dataset) -> bool:
    """A LUT of 8-bit values with more than 256 entries: pydicom 3.0 counts its entries in 8 bits and wraps around."""
    tables = [*dataset.get("ModalityLUTSequence", []), *dataset.get("VOILUTSequence", [])]
    descriptors = [table.LUTDescriptor for table in tables]  # PS3.3 C.11.1.1.1: entries (0 is 65,536), first, bits
    return any(bits == _BYTE and not 0 < entries <= 1 << _BYTE for entries, _, bits in descriptors)


def _codestream_differs(dataset: Dataset) -> bool:
    """Whether a JPEG 2000 codestream announces another size than the header: a bomb, or another picture's."""
    start = dataset.PixelData.find(_SIZ, 0, 4096) if "PixelData" in dataset else -1
    if start < 0 or not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return False
    # ISO/IEC 15444-1 A.5.1: Lsiz, Rsiz, then Xsiz, Ysiz, XOsiz, YOsiz
    x, y, x_offset, y_offset = struct.unpack_from(">4I", dataset.PixelData, start + len(_SIZ) + 4)
    return (x - x_offset, y - y_offset) != (int(dataset.Columns), int(dataset.Rows))


def _why_not_decoded(error: BaseException) -> Reason:
    text = str(error).lower()
    if isinstance(error, EOFError) or any(sign in text for sign in ("truncat", "less than expected", "end of")):
        return Reason.FORMAT_TRUNCATED
    if any(sign in text for sign in ("missing dependencies", "unsupported", "not supported", "bits allocated")):
        return Reason.FORMAT_UNSUPPORTED
    return Reason.FORMAT_CORRUPT
