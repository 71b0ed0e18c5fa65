"""Wrapping keys as files of the key store: `KEYS/wrapping/ID.key`, 32 bytes each.

Whoever copies the whole key store copies them too: backups of the tables leave the folder `wrapping` out, or destroying
an old key reaches nothing (docs/security.md).
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.keys.keyfiles import read_secret, write_secret
from pipelines.results.keys.wrapping_aes import WRAPPING_KEY_BYTES, AesWrappingKey
from sievert.errors import KeyStoreError, WrappingKeyError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "wrapping"
PREFIX = "local:"
_ID_BYTES = 8


class LocalKeys:
    """Wrapping keys in files.

    Args:
        folder: The key store's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def find(self, name: str) -> AesWrappingKey:
        """Read a key.

        Raises:
            WrappingKeyError: It is not there, damaged, or others may read it.
        """
        try:
            key = read_secret(self._file(name))
        except KeyStoreError as error:
            raise WrappingKeyError(f"the wrapping key {name} cannot be had: {error.message}") from error
        if len(key) != WRAPPING_KEY_BYTES:
            raise WrappingKeyError(f"the wrapping key {name} is damaged")
        return AesWrappingKey(name, key)

    def renew(self, current: str | None) -> str:  # noqa: ARG002 - each key here is drawn afresh
        """Draw a key and return its id.

        Raises:
            StorageError: And its kinds.
        """
        name = f"{PREFIX}{os.urandom(_ID_BYTES).hex()}"
        with disk_errors("the wrapping key could not be written"):
            self._folder.mkdir(exist_ok=True, mode=0o700)
            write_secret(self._file(name), os.urandom(WRAPPING_KEY_BYTES))
            sync_folder(self._folder)
            sync_folder(self._folder.parent)
        return name

    def destroy(self, name: str) -> None:
        """Overwrite a key's bytes in place, then remove its file; what the disk keeps beneath is out of reach here.

        Raises:
            StorageError: And its kinds.
        """
        with disk_errors("the old wrapping key could not be destroyed"), suppress(FileNotFoundError):
            with self._file(name).open("r+b") as overwritten:
                overwritten.write(os.urandom(WRAPPING_KEY_BYTES))
                overwritten.flush()
                os.fsync(overwritten.fileno())
            self._file(name).unlink()
            sync_folder(self._folder)

    def drop_all_but(self, names: set[str]) -> None:
        """Destroy keys that no state names: of a rotation that was cut off before it began."""
        for file in self._folder.glob("*.key"):
            if f"{PREFIX}{file.stem}" not in names:
                self.destroy(f"{PREFIX}{file.stem}")

    def _file(self, name: str) -> Path:
        return self._folder / f"{name.removeprefix(PREFIX)}.key"
