"""Recipients: whom data keys are wrapped for. One small JSON file each, `KEYS/recipients/FINGERPRINT.json`.

A revoked recipient's file stays and says so: a revocation that was cut off can be finished, and the name stays taken.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, write_whole
from pipelines.results.keys.keyfiles import decode_public, encode_public, fingerprint_of
from pipelines.results.sealing import KEY_BYTES, wrap_key
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

RECIPIENT_SCHEMA = "sievert.recipient/1"
FOLDER = "recipients"
SITE = "site"
_NAME = re.compile(r"[\w.@-]+(?: [\w.@-]+)*")
_LONGEST_NAME = 64
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whose private key opens what is wrapped for them.

    Attributes:
        name: Chosen by the site; of a person or an institution, never of a patient.
        role: `site` for the store's own key, else what the site calls it.
        public: PEM of the X25519 public key.
        revoked: Whether nothing is wrapped for them any more.
        schema: Version of the format.
    """

    name: str
    role: str
    public: str = field(repr=False)
    revoked: bool = False
    schema: str = RECIPIENT_SCHEMA

    @property
    def key(self) -> X25519PublicKey:
        """The public key."""
        return _key(self.public)

    @property
    def fingerprint(self) -> str:
        """Of the public key."""
        return fingerprint_of(self.key)


class Recipients:
    """The recipients of a key store.

    Args:
        folder: The key store's.
    """

    def __init__(self, folder: Path) -> None:
        self._store = folder
        self._folder = folder / FOLDER

    def all(self) -> list[Recipient]:
        """Everybody, revoked ones too, by fingerprint; a store of before recipients had files has none here.

        Raises:
            KeyStoreError: A file is damaged.
        """
        return [_read(file) for file in sorted(self._folder.glob("*.json"))]

    def active(self) -> list[Recipient]:
        """Whom new data keys are wrapped for."""
        return [recipient for recipient in self.all() if not recipient.revoked]

    def named(self, name: str) -> Recipient:
        """The recipient of that name or fingerprint.

        Raises:
            KeyStoreError: There is none.
        """
        for recipient in self.all():
            if name in (recipient.name, recipient.fingerprint):
                return recipient
        raise KeyStoreError(f"the key store has no recipient `{name}`", remedy="See `sievert keys list`.")

    def put(self, recipient: Recipient) -> None:
        """Add a recipient, or take up one that was revoked.

        Raises:
            KeyStoreError: The name is none, or another key's; or the key has another name, or is weak.
        """
        self.check(recipient)
        self._write(recipient)

    def check(self, recipient: Recipient) -> None:
        """Whether `put` would take a recipient.

        Raises:
            KeyStoreError: See `put`.
        """
        if len(recipient.name) > _LONGEST_NAME or not _NAME.fullmatch(recipient.name):
            raise KeyStoreError(
                "a recipient's name is letters, digits, blanks and . @ - _, at most 64", remedy="Choose another --name."
            )
        _check_strong(recipient.key)
        for other in self.all():
            if (other.name == recipient.name) != (other.fingerprint == recipient.fingerprint):
                what = "name is another key's" if other.name == recipient.name else f"key is known as `{other.name}`"
                raise KeyStoreError(f"the recipient's {what}", remedy="See `sievert keys list`.")

    def revoke(self, recipient: Recipient) -> None:
        """Wrap nothing for a recipient from now on.

        Raises:
            KeyStoreError: They are the last: nobody could open what is sealed.
        """
        self.check_others(recipient)
        self._write(replace(recipient, revoked=True))

    def check_others(self, recipient: Recipient) -> None:
        """Whether `revoke` would let somebody stay.

        Raises:
            KeyStoreError: See `revoke`.
        """
        if [one.fingerprint for one in self.active()] == [recipient.fingerprint]:
            raise KeyStoreError(
                "the last recipient cannot be revoked: nobody could open anything",
                remedy="Share with somebody else first: `sievert keys share`.",
            )

    def _write(self, recipient: Recipient) -> None:
        with disk_errors("the recipients could not be written"):
            self._folder.mkdir(exist_ok=True, mode=0o700)
        content = json.dumps(asdict(recipient), indent=1).encode()
        write_whole(self._folder / f"{recipient.fingerprint}.json", content, drafts=self._store, mode=0o600)


def make_recipient(name: str, role: str, public: X25519PublicKey) -> Recipient:
    """A recipient of a name, a role and a key."""
    return Recipient(name, role, encode_public(public).decode())


def _check_strong(public: X25519PublicKey) -> None:
    """A point of small order gives everybody the same shared secret (RFC 7748, section 6.1): no worker could use it."""
    try:
        wrap_key(bytes(KEY_BYTES), recipient=public, context=b"")
    except ValueError as error:
        raise KeyStoreError("the recipient's public key is none that can be wrapped for") from error


@lru_cache(_REMEMBERED)
def _key(public: str) -> X25519PublicKey:
    """Remembered: the online service wraps a key for each study."""
    return decode_public(public.encode(), "a recipient's public key")


@lru_cache(_REMEMBERED)
def _decoded(content: bytes) -> Recipient:
    """By its content, so that a file that is changed is read anew."""
    return Recipient(**json.loads(content))


def _read(file: Path) -> Recipient:
    try:
        recipient = _decoded(file.read_bytes())
        matches = recipient.schema == RECIPIENT_SCHEMA and recipient.fingerprint == file.stem
    except (OSError, ValueError, TypeError) as error:
        raise KeyStoreError("a recipient's file of the key store is damaged") from error
    if not matches:
        raise KeyStoreError("a recipient's file of the key store is not as it was written")
    return recipient
