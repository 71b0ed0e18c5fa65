"""Key files: secrets that others must not read, and X25519 keys as PEM, the private one perhaps under a passphrase.

A passphrase encrypts the private key as PKCS#8 with scrypt (RFC 7914, section 7; RFC 8018, PBES2). We write that form
ourselves: cryptography's own takes PBKDF2 with 2,048 rounds, too few for a passphrase.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sievert.errors import KeyStoreError, PassphraseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCRYPT_N = 1 << 17
"""Cost of guessing a passphrase once: 128 MiB and about 0.3 s (OWASP's recommendation). OpenSSL's own commands stop at
32 MiB; cryptography reads it."""
_SCRYPT_R = 8
_SCRYPT_P = 1
_OTHERS, _OTHERS_BUT_READERS_OF_GROUP = 0o077, 0o037
_FINGERPRINT_DIGITS = 16
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether others than the account that we run as may read or write a file of secrets.

    A file that is not ours may be readable to a group: so Kubernetes mounts a Secret for a container that is not root
    (owner root, the pod's fsGroup, 0440).
    """
    forbidden = _OTHERS if status.st_uid == os.geteuid() else _OTHERS_BUT_READERS_OF_GROUP
    return bool(stat.S_IMODE(status.st_mode) & forbidden)


def fingerprint_of(public: X25519PublicKey) -> str:
    """16 hexadecimal digits that name a public key."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:_FINGERPRINT_DIGITS]


def encode_public(public: X25519PublicKey) -> bytes:
    """A public key as PEM (SubjectPublicKeyInfo, RFC 8410)."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def decode_public(content: bytes, what: str) -> X25519PublicKey:
    """What `encode_public` made.

    Args:
        content: PEM.
        what: Names it for the reader: "the public key of the key store".

    Raises:
        KeyStoreError: It is damaged or of another kind.
    """
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise KeyStoreError(f"{what} is missing or damaged") from error
    if not isinstance(key, X25519PublicKey):
        raise KeyStoreError(f"{what} is of another kind than X25519")
    return key


def read_public(file: Path) -> X25519PublicKey:
    """Read a public key that somebody gave.

    Raises:
        KeyStoreError: It is missing, damaged or of another kind.
    """
    try:
        return decode_public(file.read_bytes(), "the public key")
    except OSError as error:
        raise KeyStoreError(f"the public key cannot be read ({error.strerror})", remedy="Check its place.") from error


def encode_private(private: X25519PrivateKey, passphrase: bytes | None) -> bytes:
    """A private key as PEM (PKCS#8, RFC 5958), encrypted where a passphrase is given."""
    if passphrase is None:
        return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    from pipelines.results.keys.pkcs8 import encrypt_pkcs8

    plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return encrypt_pkcs8(plain, passphrase, n=SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)


def read_private(file: Path, passphrase: Callable[[], bytes | None]) -> X25519PrivateKey:
    """Read a private key; the passphrase is asked for only where the key has one.

    Raises:
        KeyStoreError: It is missing, damaged, of another kind, or others may read it.
        PassphraseError: It has a passphrase, and none or another one was given.
    """
    content = read_secret(file)
    given = passphrase() if _ENCRYPTED in content else None
    if given is None and _ENCRYPTED in content:
        raise PassphraseError("the private key has a passphrase, and none was given")
    try:
        key = load_pem_private_key(content, password=given)
    except ValueError as error:
        if given is not None:
            raise PassphraseError("the passphrase is not the private key's, or the key is damaged") from error
        raise KeyStoreError("the private key of the key store is damaged") from error
    if not isinstance(key, X25519PrivateKey):
        raise KeyStoreError("the key store holds a private key of another kind than X25519")
    return key


def write_secret(file: Path, content: bytes) -> None:
    """Create a file that only its owner may read, and have the disk hold it."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())


def read_secret(file: Path) -> bytes:
    """Read a file that only its owner may read.

    Raises:
        KeyStoreError: It is missing, or others may read it.
    """
    try:
        if is_open_to_others(file.stat()):
            raise KeyStoreError(
                f"others may read {file.name} of the key store", remedy=f"Take their rights away: chmod 600 {file.name}"
            )
        return file.read_bytes()
    except OSError as error:
        message = f"{file.name} of the key store cannot be read ({error.strerror})"
        raise KeyStoreError(message) from error
