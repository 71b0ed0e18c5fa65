"""Encrypts a PKCS#8 key with a passphrase: PBES2 (RFC 8018) of scrypt (RFC 7914, section 7) and AES-256-CBC; PEM."""

from __future__ import annotations

import base64
import os
import textwrap

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

_PBES2 = "2a864886f70d01050d"
_SCRYPT = "2b06010401da47040b"
_AES_256_CBC = "60864801650304012a"
_INTEGER, _OCTETS, _OBJECT, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_SHORT = 0x80
_KEY_BYTES, _SALT_BYTES, _BLOCK_BYTES = 32, 16, 16


def encrypt_pkcs8(plain: bytes, passphrase: bytes, *, n: int, r: int, p: int) -> bytes:
    """PEM of an EncryptedPrivateKeyInfo.

    Args:
        plain: PrivateKeyInfo, DER.
        passphrase: Not empty.
        n: Cost of scrypt, a power of two; memory is 128 · n · r bytes.
        r: Block size of scrypt.
        p: Parallelisation of scrypt.
    """
    salt, start = os.urandom(_SALT_BYTES), os.urandom(_BLOCK_BYTES)
    key = Scrypt(salt=salt, length=_KEY_BYTES, n=n, r=r, p=p).derive(passphrase)
    padder, encryptor = PKCS7(_BLOCK_BYTES * 8).padder(), Cipher(AES256(key), CBC(start)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    derivation = _sequence(_object(_SCRYPT), _sequence(_tagged(_OCTETS, salt), *map(_integer, (n, r, p))))
    scheme = _sequence(_object(_AES_256_CBC), _tagged(_OCTETS, start))
    ciphertext = _tagged(_OCTETS, encryptor.update(padded) + encryptor.finalize())
    return _pem(_sequence(_sequence(_object(_PBES2), _sequence(derivation, scheme)), ciphertext))


def _pem(der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    name = "ENCRYPTED PRIVATE KEY"
    return "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""]).encode()


def _sequence(*parts: bytes) -> bytes:
    return _tagged(_SEQUENCE, b"".join(parts))


def _object(number: str) -> bytes:
    return _tagged(_OBJECT, bytes.fromhex(number))


def _integer(value: int) -> bytes:
    return _tagged(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    """Tag, length (short form below 128 bytes, else the fewest bytes), content (X.690, section 8.1)."""
    size = len(content)
    if size < _SHORT:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _SHORT | len(length)]) + length + content
