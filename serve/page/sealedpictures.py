"""Pictures of online studies: sealed beside their job under the patient's data key, so that they are erased with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pipelines.results.rolling.closing import is_open
from pipelines.results.rolling.job import picture_context, picture_file
from pipelines.results.rolling.reading import spooled_key
from pipelines.results.sealing import unseal
from pipelines.results.shardfile import read_footer
from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import JobHeader, OutFolder
    from serve.page.pictures import Picture, PictureSource


class SealedPictures:
    """Opens the picture that a rolling job keeps of a record.

    Args:
        keys: The site's key store.
    """

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def load(self, out: OutFolder, header: JobHeader, record: Mapping[str, Any]) -> Picture | None:
        """See `PictureSource`; None where none was kept.

        Raises:
            KeyStoreError: Its data key cannot be had.
            IntegrityError: It is damaged.
        """
        file = picture_file(out, record["record"])
        if not file.is_file():
            return None
        key = self._key(out, header, record["index"])
        if key is None:
            return None
        return _decoded(unseal(file.read_bytes(), key=key, context=picture_context(header.job, record["record"])))

    def _key(self, out: OutFolder, header: JobHeader, index: int) -> bytes | None:
        if is_open(out):
            return spooled_key(self._keys, header.job, index)
        shard = index // header.shard_size
        attempt = read_footer(out.shard(shard)).attempt
        return self._keys.data_keys(header.job, shard=shard, attempt=attempt).keys.get(index)


class FirstOf:
    """Asks one source after the other.

    Args:
        sources: The one that is asked first stands first.
    """

    def __init__(self, sources: Sequence[PictureSource]) -> None:
        self._sources = sources

    def load(self, out: OutFolder, header: JobHeader, record: Mapping[str, Any]) -> Picture | None:
        """See `PictureSource`."""
        found = (source.load(out, header, record) for source in self._sources)
        return next((one for one in found if one is not None), None)


def _decoded(content: bytes) -> Picture:
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.ndim != 2 or found.dtype not in (np.uint8, np.uint16):  # noqa: PLR2004 - rows, columns
        raise IntegrityError("a kept picture cannot be read")
    return np.asarray(found, np.uint16) if found.dtype == np.uint16 else np.asarray(found, np.uint8)
