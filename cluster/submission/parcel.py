"""The Sievert of this machine on its way to a cluster that has another one.

Ray unpacks it on each node and puts it before what is installed there; dependencies stay the cluster's own.
https://docs.ray.io/en/releases-2.60.0/ray-core/handling-dependencies.html (`py_modules`).
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sievert

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOMS = ("cluster", "models", "pipelines", "serve", "sievert")
_HERE = Path(sievert.__file__).parent.parent
_DIGEST_SIGNS = 32


@dataclass(frozen=True, slots=True)
class Parcel:
    """An archive that Ray keeps for its nodes.

    Attributes:
        name: From its content, so that the same Sievert is kept once.
        content: A ZIP archive.
    """

    name: str
    content: bytes

    @property
    def uri(self) -> str:
        """As a runtime environment names it."""
        return f"gcs://{self.name}"


def pack_sievert(root: Path | None = None) -> Parcel:
    """Pack all rooms with what lies in them, weights and pages included; the same files give the same archive.

    Args:
        root: Folder of the rooms; left out: where this Sievert is installed.
    """
    root, packed = root or _HERE, io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(root):
            about = zipfile.ZipInfo(file.relative_to(root).as_posix())  # of 1980, whenever it was written
            about.external_attr = 0o644 << 16
            archive.writestr(about, file.read_bytes(), zipfile.ZIP_DEFLATED)
    content = packed.getvalue()
    return Parcel(f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:_DIGEST_SIGNS]}.zip", content)


def _files(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        for file in sorted((root / room).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file
