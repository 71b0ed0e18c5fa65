"""Where the picture of a case comes from, and how it travels to the viewer: all its grey values, no container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from pipelines.results.sourcepicture import read_picture
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipelines.results.outfolder import JobHeader, OutFolder

    Picture = NDArray[np.uint8] | NDArray[np.uint16]

_OUTLIERS = (1, 99)
_SAMPLE = 1 << 16
_WIDEST_PREVIEW_PX = 1024


class PictureSource(Protocol):
    """Finds the picture of a record."""

    def load(self, out: OutFolder, header: JobHeader, record: Mapping[str, Any]) -> Picture | None:
        """The de-identified picture as it was screened, or None where nobody has it any more.

        Args:
            out: The job's folder.
            header: The job's.
            record: In clear, of a screened input; what its identity envelope holds is under `identity`.

        Returns:
            Shape [row, column], uint8 or uint16, brighter is denser.

        Raises:
            StorageError: It cannot be read now.
        """
        ...


class SourcePictures:
    """Reads pictures again from where they were screened: hash-checked, and admitted by the job's own policy."""

    def load(self, out: OutFolder, header: JobHeader, record: Mapping[str, Any]) -> Picture | None:  # noqa: ARG002 - see PictureSource
        """See `PictureSource`."""
        if "source" not in record["identity"] or "modality" not in record:
            return None
        return read_picture({**record, "source": record["identity"]["source"]}, AdmitSettings(**header.admit))


def describe_grey(pixels: Picture) -> dict[str, str]:
    """Headers that the viewer needs with the raw values: size, bytes a value, and the window to begin with."""
    flat = pixels.reshape(-1)
    low, high = np.percentile(flat[:: max(1, flat.size // _SAMPLE)], _OUTLIERS)
    return {
        "X-Rows": str(pixels.shape[0]),
        "X-Columns": str(pixels.shape[1]),
        "X-Bits": str(8 * pixels.itemsize),
        "X-Window": f"{low:.0f} {max(high, low + 1):.0f}",
    }


def encode_grey(pixels: Picture) -> bytes:
    """The values row by row, little-endian."""
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def encode_preview(pixels: Picture) -> bytes:
    """A PNG in 8 bits, for browsers that run no script, and for print; at most 1,024 pixels wide."""
    grey = np.asarray(pixels >> 8 if pixels.dtype == np.uint16 else pixels, dtype=np.uint8)
    wide = min(grey.shape[1], _WIDEST_PREVIEW_PX)
    high = max(1, round(grey.shape[0] * wide / grey.shape[1]))
    _, encoded = cv2.imencode(".png", cv2.resize(grey, (wide, high), interpolation=cv2.INTER_AREA))
    return bytes(encoded.tobytes())
