"""Who is behind a pseudonym: what de-identification took away, sealed for the site, apart from what it wrote.

::

    KEYS/identities/PATIENT/NAME.sealed   one for each run over one study of one patient

A worker that only de-identifies writes them and cannot read them: each has a data key of its own, wrapped for the
site's public key (RFC 9180), and that under a key that is drawn whenever the file is written and stands in it under the
current wrapping key, as with tables of data keys (docs/adr/0008). Erasing a patient removes the patient's folder; a
rotation makes older copies of it worthless. Entries of `sievert.identity/1` have no outer layer and are read too.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.results.disk import disk_errors, sync_folder, write_whole
from pipelines.results.keys.cover import TableCover
from pipelines.results.keys.locks import sharing_state
from pipelines.results.keys.wrapping import find_wrapping_key, read_state
from pipelines.results.sealing import new_data_key, seal, unseal, unwrap_key, wrap_key
from sievert.errors import KeyStoreError, WrappingKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

IDENTITY_SCHEMA = "sievert.identity/2"
_UNCOVERED_SCHEMA = "sievert.identity/1"
_PSEUDONYM = re.compile("[0-9a-f]{32}")
_NAME_DIGITS = 32


class Identities:
    """The re-identification map of a key store.

    Args:
        folder: The key store's.
    """

    def __init__(self, folder: Path) -> None:
        self._store, self._folder = folder, folder / "identities"

    def add(self, patient: str, entry: dict[str, Any], *, recipient: X25519PublicKey, identity_key: bytes) -> None:
        """Seal what was known of a patient and a study; the same entry a second time changes nothing.

        Args:
            patient: The pseudonym.
            entry: What JSON can hold.
            recipient: The site's public key.
            identity_key: Names the file, so that its name says nothing of what is in it.

        Raises:
            StorageError: And its kinds.
            WrappingKeyError: The wrapping key cannot be had.
        """
        plain = json.dumps(entry, sort_keys=True).encode()
        name = hmac.digest(identity_key, b"sievert/identity/1|" + plain, "sha256").hex()[:_NAME_DIGITS]
        file = self._of(patient) / f"{name}.sealed"
        if file.exists():
            return
        with disk_errors("the re-identification map could not be written"):
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        context, key = _context(patient), new_data_key()
        sealed = bytes(seal(plain, key=key, context=context))
        kept = _Entry(wrap_key(key, recipient=recipient, context=context), sealed)
        with sharing_state(self._store):  # a rotation that begins now finds it
            self._write(file, kept)

    def knows(self, patient: str) -> bool:
        """Whether there is an entry of a patient."""
        return bool(_PSEUDONYM.fullmatch(patient)) and self._of(patient).is_dir()

    def open(self, patient: str, private: X25519PrivateKey) -> Iterator[dict[str, Any]]:
        """What was known of a patient, study by study.

        Raises:
            KeyStoreError: Nothing is known of that patient, an entry is damaged, or its wrapping key cannot be had.
            WrongKeyError: The private key is another's.
            IntegrityError: An entry is damaged.
        """
        if not self.knows(patient):
            raise KeyStoreError(
                "the re-identification map has no such patient",
                remedy="A pseudonym is a name of a folder that `sievert deidentify` wrote: 32 hexadecimal digits.",
            )
        for file in sorted(self._of(patient).glob("*.sealed")):
            yield _opened(self._read(file), private, _context(patient))

    def renew(self) -> int:
        """Write every entry that is not under the current wrapping key anew under it; how many there were.

        Raises:
            KeyStoreError: An entry is damaged, or its wrapping key cannot be had.
            StorageError: And its kinds.
        """
        current = read_state(self._store).current
        stale = [file for file in sorted(self._folder.glob("*/*.sealed")) if _loaded(file).get("wrapping") != current]
        for file in stale:
            self._write(file, self._read(file))
        return len(stale)

    def erase(self, patient: str) -> int:
        """Remove every entry of a patient; how many there were.

        Raises:
            StorageError: And its kinds.
        """
        if not self.knows(patient):
            return 0
        with disk_errors("the re-identification map could not be changed"):
            number = len(list(self._of(patient).glob("*.sealed")))
            shutil.rmtree(self._of(patient))
            sync_folder(self._folder)
        return number

    def _of(self, patient: str) -> Path:
        return self._folder / patient

    def _write(self, file: Path, entry: _Entry) -> None:
        """Under the current wrapping key, with a key of its own drawn anew."""
        told: dict[str, str | None] = {"schema": IDENTITY_SCHEMA, "wrapping": read_state(self._store).current}
        wrapped = entry.wrapped
        if told["wrapping"] is not None:
            own = new_data_key()
            told["cover"] = _text(find_wrapping_key(self._store, told["wrapping"]).wrap(own))
            wrapped = _cover(own, file).cover(wrapped, number=0, row=[])
        told |= {"key": _text(wrapped), "entry": _text(entry.sealed)}
        write_whole(file, json.dumps(told).encode(), drafts=file.parent, mode=0o600)

    def _read(self, file: Path) -> _Entry:
        try:
            return self._uncovered(file)
        except WrappingKeyError:  # perhaps of a rotation that has replaced the entry in this very moment
            return self._uncovered(file)

    def _uncovered(self, file: Path) -> _Entry:
        told = _loaded(file)
        wrapped, sealed = _bytes(told, "key"), _bytes(told, "entry")
        if told.get("wrapping") is None:
            return _Entry(wrapped, sealed)
        own = find_wrapping_key(self._store, str(told["wrapping"])).unwrap(_bytes(told, "cover"))
        return _Entry(_cover(own, file).uncover(wrapped, number=0, row=[]), sealed)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry without its outer layer: its data key wrapped for the site, and what that sealed."""

    wrapped: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


def _opened(entry: _Entry, private: X25519PrivateKey, context: bytes) -> dict[str, Any]:
    key = unwrap_key(entry.wrapped, private=private, context=context)
    told: dict[str, Any] = json.loads(unseal(entry.sealed, key=key, context=context))
    return told


def _loaded(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged() from error
    if not isinstance(told, dict) or told.get("schema") not in (IDENTITY_SCHEMA, _UNCOVERED_SCHEMA):
        raise _damaged()
    return told


def _bytes(told: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(told[name], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged() from error


def _cover(key: bytes | bytearray, file: Path) -> TableCover:
    """Bound to whose entry it is, and to which."""
    return TableCover(bytes(key), [IDENTITY_SCHEMA, file.parent.name, file.stem])


def _damaged() -> KeyStoreError:
    return KeyStoreError("an entry of the re-identification map is damaged or cannot be read")


def _context(patient: str) -> bytes:
    return f"sievert/identity/1|{patient}".encode()


def _text(content: bytes | bytearray) -> str:
    return base64.b64encode(content).decode("ascii")
