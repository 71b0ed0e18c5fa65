from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pipelines.results.keys import keyfiles
from pipelines.results.keys.keyfiles import (
    decode_public,
    encode_private,
    encode_public,
    fingerprint_of,
    read_private,
    read_secret,
    write_secret,
)
from pipelines.results.keys.pkcs8 import encrypt_pkcs8
from sievert.errors import KeyStoreError, PassphraseError

PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfiles, "SCRYPT_N", 1 << 10)


def written(tmp_path: Path, passphrase: bytes | None) -> Path:
    file = tmp_path / "recipient.key"
    write_secret(file, encode_private(PRIVATE, passphrase))
    return file


@pytest.mark.parametrize("passphrase", [None, b"x", "Pässwörter".encode(), b" " * 200])
def test_a_private_key_comes_back_with_its_passphrase(tmp_path: Path, passphrase: bytes | None) -> None:
    file = written(tmp_path, passphrase)
    assert read_private(file, lambda: passphrase).private_bytes_raw() == PRIVATE.private_bytes_raw()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_passphrase_another_and_damage_are_told_apart(tmp_path: Path) -> None:
    file = written(tmp_path, b"right")
    with pytest.raises(PassphraseError, match="none was given"):
        read_private(file, lambda: None)
    with pytest.raises(PassphraseError, match="not the private key's"):
        read_private(file, lambda: b"wrong")
    plain = encode_private(PRIVATE, None)
    file.write_bytes(plain[:40] + plain[60:])
    with pytest.raises(KeyStoreError, match="damaged"):
        read_private(file, lambda: None)


def test_a_passphrase_is_not_asked_for_where_the_key_has_none(tmp_path: Path) -> None:
    def ask() -> bytes:
        raise AssertionError("asked")

    read_private(written(tmp_path, None), ask)


def test_the_encrypted_form_is_the_standards() -> None:
    """OpenSSL reads what we wrote, as far as its limit on scrypt's memory goes."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent: install it")
    plain = PRIVATE.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = encrypt_pkcs8(plain, b"secret", n=1 << 14, r=8, p=1)
    command = ["openssl", "pkey", "-passin", "pass:secret", "-pubout"]
    done = subprocess.run(command, input=pem, capture_output=True, check=True)
    assert done.stdout == encode_public(PRIVATE.public_key())


def test_a_key_of_another_kind_is_refused() -> None:
    ed25519 = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""
    with pytest.raises(KeyStoreError, match="another kind"):
        decode_public(ed25519, "the public key")
    with pytest.raises(KeyStoreError, match="damaged"):
        decode_public(b"", "the public key")


def test_a_fingerprint_names_one_key() -> None:
    public = PRIVATE.public_key()
    assert fingerprint_of(decode_public(encode_public(public), "it")) == fingerprint_of(public)
    assert len(fingerprint_of(public)) == 16


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, None)
    file.chmod(0o640)
    with pytest.raises(KeyStoreError, match="others may read"):
        read_secret(file)
    with pytest.raises(KeyStoreError, match="cannot be read"):
        read_secret(tmp_path / "none")
