"""Expands a DICOMDIR to the files that it lists (PS3.3 F.3, PS3.10 8)."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import pydicom

from sievert.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "DICOMDIR"


def read_dicomdir(file: Path) -> Iterator[str]:
    """Absolute paths of the files that a DICOMDIR refers to, in its order.

    A reference that leads out of the medium is left out; one to a file that is gone stays, and is refused when read.

    Raises:
        ManifestError: It cannot be understood, or lists nothing.
    """
    root = os.path.realpath(file.parent)
    found = list(dict.fromkeys(path for path in _referenced(file, root) if path.startswith(f"{root}{os.sep}")))
    if not found:
        raise ManifestError("the DICOMDIR lists no file")
    yield from found


def _referenced(file: Path, root: str) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's quote values
            records = list(pydicom.dcmread(file).DirectoryRecordSequence)
            names = [record.get("ReferencedFileID") for record in records]
    except Exception as fault:  # noqa: BLE001 - whatever a file makes the parser raise
        raise ManifestError(f"the DICOMDIR cannot be read ({type(fault).__name__})") from None
    for name in names:
        if name:
            parts = [name] if isinstance(name, str) else list(name)
            yield os.path.realpath(os.path.join(root, *map(str, parts)))  # noqa: PTH118 - strings throughout
