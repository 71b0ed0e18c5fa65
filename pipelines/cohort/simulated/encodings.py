"""From pixels and a header to a file's bytes, in the ways in which machines store them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from pipelines.admit.dicom.implementation import IMPLEMENTATION

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOP = 4095
_FIELD_MM = 300.0
"""Height of the picture on the detector."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How a radiograph is stored.

    Attributes:
        syntax: Transfer syntax.
        inverted: MONOCHROME1, where larger values are darker; else MONOCHROME2.
        rescale: Slope and intercept of the modality transformation, None for no such attributes.
        windowed: Whether the header proposes a window.
    """

    syntax: UID = ExplicitVRLittleEndian
    inverted: bool = False
    rescale: tuple[float, float] | None = None
    windowed: bool = False


def attach_pixels(header: Dataset, pixels: NDArray[np.uint16], *, storage: Storage) -> None:
    """Set a header's pixel attributes and pixels, 12 bits in 16.

    Args:
        header: Changed in place.
        pixels: Shape [row, column] or [frame, row, column], 0 to 4095, brighter is denser.
        storage: How to store them.

    Source: DICOM PS3.3 C.7.6.3 (pixels), C.11.1 (rescale), C.11.2 (window), C.11.6 (presentation LUT shape).
    """
    stored = (_TOP - pixels if storage.inverted else pixels).astype("<u2")
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME1" if storage.inverted else "MONOCHROME2"
    header.PresentationLUTShape = "INVERSE" if storage.inverted else "IDENTITY"
    header.Rows, header.Columns = stored.shape[-2:]
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 12, 11
    header.PixelRepresentation = 0
    header.ImagerPixelSpacing = [round(_FIELD_MM / header.Rows, 4)] * 2
    _scale(header, stored, storage)
    header.PixelData = stored.tobytes()


def to_bytes(header: Dataset, *, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The whole file, preamble included; the header is changed if the syntax compresses.

    Source: DICOM PS3.10 7.1 (file meta information).
    """
    header.file_meta = FileMetaDataset()
    header.file_meta.ImplementationClassUID = IMPLEMENTATION
    header.file_meta.ImplementationVersionName = "SIEVERT_SIM"
    if syntax.is_encapsulated:
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        # Named, because the first plugin that happens to be installed need not give the same bytes.
        header.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    header.file_meta.TransferSyntaxUID = syntax
    sink = BytesIO()
    dcmwrite(sink, header, enforce_file_format=True)
    return sink.getvalue()


def _scale(header: Dataset, stored: NDArray[np.uint16], storage: Storage) -> None:
    slope, intercept = storage.rescale or (1.0, 0.0)
    if storage.rescale is not None:
        header.RescaleSlope, header.RescaleIntercept, header.RescaleType = slope, intercept, "US"
    if storage.windowed:
        low, high = np.percentile(stored[..., ::4, ::4], (0.5, 99.5)) * slope + intercept
        header.WindowCenter = round(float(low + high) / 2, 1)
        header.WindowWidth = round(float(high - low), 1)
        header.WindowCenterWidthExplanation = "NORMAL"
