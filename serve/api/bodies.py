"""Studies out of a request's body: one file, multipart/related as STOW-RS sends it, or a form's files.

Sources: PS3.18, 10.5 (Store Transaction) and 8.6.1 (multipart); RFC 2046, RFC 7578.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sievert.errors import DataError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 2048
SINGLE = frozenset(
    {
        "application/dicom",
        "application/octet-stream",
        "application/gzip",
        "application/x-gzip",
        "application/x-nifti",
        "application/nifti",
        "image/png",
        "image/jpeg",
        "image/tiff",
    }
)
"""Media types of one study in one body; what it is, is decided by its bytes."""


def is_multipart(content_type: str) -> bool:
    """Whether a body holds parts."""
    return parse_options_header(content_type)[0] in (b"multipart/related", b"multipart/form-data")


def is_single(content_type: str) -> bool:
    """Whether a body is one file."""
    return parse_options_header(content_type)[0].decode("latin-1") in SINGLE


def split_parts(body: bytes, content_type: str) -> list[bytes]:
    """The files of a multipart body, in their order.

    Raises:
        DataError: It is no such body, or holds no file or too many.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary or len(boundary) > 70:  # noqa: PLR2004 - RFC 2046, 5.1.1
        raise DataError("the multipart body has no boundary", remedy="Name it in Content-Type.")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise DataError("the multipart body is damaged", remedy="Send it again.") from error
    if not parts.ended:
        raise DataError("the multipart body ends before its last boundary", remedy="Send it again.")
    files = [bytes(part) for part in parts.all if part]
    if not files:
        raise DataError("the multipart body holds no file", remedy="Send each instance as a part of its own.")
    return files


class _Parts:
    """Gathers parts as the parser finds them."""

    def __init__(self) -> None:
        self.all: list[bytearray] = []
        self.ended = False

    def callbacks(self) -> MultipartCallbacks:
        return {"on_part_begin": self._begin, "on_part_data": self._data, "on_end": self._end}

    def _begin(self) -> None:
        if len(self.all) >= MOST_PARTS:
            raise DataError(f"the multipart body has more than {MOST_PARTS} parts", remedy="Send several requests.")
        self.all.append(bytearray())

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.all[-1] += data[start:end]

    def _end(self) -> None:
        self.ended = True
