"""Seals bytes for a patient's data key, and data keys for a recipient.

A sealed blob is ``version ‖ salt ‖ commitment ‖ ciphertext ‖ tag``: HKDF-SHA256 (RFC 5869) turns data key, random salt
and context into a key of AES-256-GCM used once, and into a commitment to it. GCM alone does not commit to its key: a
ciphertext can be made that opens under two; the commitment, as in the AWS Encryption SDK's key-commitment suite, rules
that out. The context (format, job, record, model) is bound in, so that a blob opens in its own place only.
"""

from __future__ import annotations

import hmac
import os
from functools import cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sievert.errors import IntegrityError, WrongKeyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

VERSION = b"\x01"
KEY_BYTES = 32
_SALT_BYTES = 32
_COMMITMENT_BYTES = 32
_TAG_BYTES = 16
_HEADER_BYTES = len(VERSION) + _SALT_BYTES + _COMMITMENT_BYTES
_NONCE = bytes(12)  # each key seals one message


def new_data_key() -> bytes:
    """A fresh random data key of 256 bits."""
    return os.urandom(KEY_BYTES)


def seal(plaintext: bytes, *, key: bytes, context: bytes) -> bytearray:
    """Encrypt under a data key, committed to key and context, into one buffer that is filled in place.

    Args:
        plaintext: Any length.
        key: The data key, 32 bytes.
        context: What the blob belongs to; needed again to open it.
    """
    salt = os.urandom(_SALT_BYTES)
    cipher_key, commitment = _derive(key, salt, context)
    # Joining a large ciphertext to its header, or copying the whole, would take five times as long as encrypting it.
    blob = bytearray(_HEADER_BYTES + len(plaintext) + _TAG_BYTES)
    blob[:_HEADER_BYTES] = VERSION + salt + commitment
    AESGCM(cipher_key).encrypt_into(_NONCE, plaintext, context, memoryview(blob)[_HEADER_BYTES:])
    return blob


def unseal(blob: bytes | bytearray, *, key: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` made.

    Raises:
        IntegrityError: The blob is damaged.
        WrongKeyError: It was sealed with another key or for another place.
    """
    if len(blob) < _HEADER_BYTES or blob[:1] != VERSION:
        raise IntegrityError("a sealed blob is damaged: it has no known header")
    salt, commitment = bytes(blob[1 : 1 + _SALT_BYTES]), bytes(blob[1 + _SALT_BYTES : _HEADER_BYTES])
    cipher_key, expected = _derive(key, salt, context)
    if not hmac.compare_digest(commitment, expected):
        raise WrongKeyError("a sealed blob was sealed with another key, belongs elsewhere, or its head is damaged")
    try:
        return AESGCM(cipher_key).decrypt(_NONCE, memoryview(blob)[_HEADER_BYTES:], context)
    except InvalidTag as error:
        raise IntegrityError("a sealed blob is damaged: its tag does not fit") from error


def wrap_key(data_key: bytes, *, recipient: X25519PublicKey, context: bytes) -> bytes:
    """Encrypt a data key for a recipient: HPKE base mode (RFC 9180), X25519, HKDF-SHA256, AES-256-GCM."""
    return bytes(_suite().encrypt(data_key, recipient, context))


def unwrap_key(wrapped: bytes, *, private: X25519PrivateKey, context: bytes) -> bytes:
    """Decrypt what `wrap_key` made.

    Raises:
        WrongKeyError: It was wrapped for somebody else or elsewhere, or is damaged.
    """
    try:
        return bytes(_suite().decrypt(wrapped, private, context))
    except (InvalidTag, ValueError) as error:
        raise WrongKeyError("a wrapped data key does not open with this key store") from error


@cache
def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _derive(key: bytes, salt: bytes, context: bytes) -> tuple[bytes, bytes]:
    material = HKDF(SHA256(), KEY_BYTES + _COMMITMENT_BYTES, salt, b"sievert/seal/1" + context).derive(key)
    return material[:KEY_BYTES], material[KEY_BYTES:]
