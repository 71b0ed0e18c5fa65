"""Who is behind a pseudonym: what de-identification took away, sealed for the site, apart from what it wrote.

::

    KEYS/identities/PATIENT/NAME.sealed   one for each run over one study of one patient

A worker that only de-identifies writes them and cannot read them: each has a data key of its own, wrapped for the
site's public key (RFC 9180). Erasing a patient removes the patient's folder.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from pipelines.results.disk import disk_errors, sync_folder, write_whole
from pipelines.results.sealing import new_data_key, seal, unseal, unwrap_key, wrap_key
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

IDENTITY_SCHEMA = "sievert.identity/1"
_PSEUDONYM = re.compile("[0-9a-f]{32}")
_NAME_DIGITS = 32


class Identities:
    """The re-identification map of a key store.

    Args:
        folder: The key store's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "identities"

    def add(self, patient: str, entry: dict[str, Any], *, recipient: X25519PublicKey, identity_key: bytes) -> None:
        """Seal what was known of a patient and a study; the same entry a second time changes nothing.

        Args:
            patient: The pseudonym.
            entry: What JSON can hold.
            recipient: The site's public key.
            identity_key: Names the file, so that its name says nothing of what is in it.

        Raises:
            StorageError: And its kinds.
        """
        plain = json.dumps(entry, sort_keys=True).encode()
        name = hmac.digest(identity_key, b"sievert/identity/1|" + plain, "sha256").hex()[:_NAME_DIGITS]
        file = self._of(patient) / f"{name}.sealed"
        if file.exists():
            return
        with disk_errors("the re-identification map could not be written"):
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        context = _context(patient)
        key = new_data_key()
        sealed = {
            "schema": IDENTITY_SCHEMA,
            "key": _text(wrap_key(key, recipient=recipient, context=context)),
            "entry": _text(seal(plain, key=key, context=context)),
        }
        write_whole(file, json.dumps(sealed).encode(), drafts=file.parent, mode=0o600)

    def knows(self, patient: str) -> bool:
        """Whether there is an entry of a patient."""
        return bool(_PSEUDONYM.fullmatch(patient)) and self._of(patient).is_dir()

    def open(self, patient: str, private: X25519PrivateKey) -> Iterator[dict[str, Any]]:
        """What was known of a patient, study by study.

        Raises:
            KeyStoreError: Nothing is known of that patient, or an entry is damaged.
            WrongKeyError: The private key is another's.
            IntegrityError: An entry is damaged.
        """
        if not self.knows(patient):
            raise KeyStoreError(
                "the re-identification map has no such patient",
                remedy="A pseudonym is a name of a folder that `sievert deidentify` wrote: 32 hexadecimal digits.",
            )
        for file in sorted(self._of(patient).glob("*.sealed")):
            yield _opened(file, private, _context(patient))

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


def _opened(file: Path, private: X25519PrivateKey, context: bytes) -> dict[str, Any]:
    try:
        sealed = json.loads(file.read_bytes())
        wrapped, blob = (base64.b64decode(sealed[name], validate=True) for name in ("key", "entry"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyStoreError("an entry of the re-identification map is damaged or cannot be read") from error
    entry: dict[str, Any] = json.loads(
        unseal(blob, key=unwrap_key(wrapped, private=private, context=context), context=context)
    )
    return entry


def _context(patient: str) -> bytes:
    return f"sievert/identity/1|{patient}".encode()


def _text(content: bytes | bytearray) -> str:
    return base64.b64encode(content).decode("ascii")
