"""Wrapping keys in a real PKCS#11 token (SoftHSM): they never leave it, and what is destroyed opens nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.rotating import rotate
from pipelines.results.keys import wrapping_token
from pipelines.results.keys.wrapping import read_state
from pipelines.results.keys.wrapping_token import TokenKeys
from pipelines.results.keystore import KeyStore
from sievert.errors import SievertError, WrappingKeyError
from tests.stores import all_opened, fill, quiet

PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, TOKEN = "4711-0815", "hospital"
TABLE_KEY = bytes(range(32))


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The library, with one token in a folder of the test's: it reads its configuration once a process."""
    pytest.importorskip("pkcs11")
    found = next((place for place in PLACES if Path(place).exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is absent: run `make services`")
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    made = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "0000-1111", "--pin", PIN]
    subprocess.run(made, check=True, capture_output=True)
    yield found
    del os.environ["SOFTHSM2_CONF"]


@pytest.fixture
def keys(module: str, monkeypatch: pytest.MonkeyPatch) -> TokenKeys:
    monkeypatch.setenv("SIEVERT_PKCS11_MODULE", module)
    monkeypatch.setenv("SIEVERT_PKCS11_TOKEN", TOKEN)
    monkeypatch.setenv("SIEVERT_PKCS11_PIN", PIN)
    monkeypatch.setattr(wrapping_token, "_refused", set())
    return TokenKeys()


def test_a_tables_key_is_wrapped_in_the_token_each_time_otherwise(keys: TokenKeys) -> None:
    key = keys.find(keys.renew(None))
    wrapped = [key.wrap(TABLE_KEY) for _ in range(2)]
    assert wrapped[0] != wrapped[1]
    assert [key.unwrap(one) for one in wrapped] == [TABLE_KEY] * 2
    assert TABLE_KEY not in wrapped[0]


def test_the_key_cannot_be_taken_out(keys: TokenKeys) -> None:
    import pkcs11

    name = keys.renew(None)
    with pkcs11.lib(os.environ["SIEVERT_PKCS11_MODULE"]).get_token(token_label=TOKEN).open(user_pin=PIN) as session:
        (held,) = session.get_objects({pkcs11.Attribute.LABEL: name.rpartition(":")[2]})
        assert held[pkcs11.Attribute.EXTRACTABLE] is False
        with pytest.raises(pkcs11.PKCS11Error):
            _ = held[pkcs11.Attribute.VALUE]


def test_another_keys_and_damaged_ciphertexts_are_refused(keys: TokenKeys) -> None:
    one, other = (keys.find(keys.renew(None)) for _ in range(2))
    wrapped = one.wrap(TABLE_KEY)
    for place in (0, 12, len(wrapped) - 1):
        damaged = wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :]
        with pytest.raises(WrappingKeyError):
            one.unwrap(damaged)
    with pytest.raises(WrappingKeyError):
        other.unwrap(wrapped)
    with pytest.raises(WrappingKeyError):
        one.unwrap(b"")


def test_a_key_store_is_made_rotated_and_its_old_tables_are_worthless_after(keys: TokenKeys, tmp_path: Path) -> None:
    store = create_key_store(tmp_path / "keys", wrapping="pkcs11")
    secrets = fill(store)
    shutil.copytree(store.folder, tmp_path / "backup")
    first = read_state(store.folder).current
    rotate(store, progress=quiet)
    assert first is not None
    assert read_state(store.folder).current not in (None, first)
    assert all_opened(KeyStore(store.folder)) == secrets
    with pytest.raises(WrappingKeyError, match="destroyed"):
        all_opened(KeyStore(tmp_path / "backup"))
    keys.destroy(first)  # safe to repeat


def test_a_pin_that_was_refused_is_not_tried_twice(keys: TokenKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.find(keys.renew(None))
    monkeypatch.setenv("SIEVERT_PKCS11_PIN", "wrong")
    with pytest.raises(WrappingKeyError, match="refuses the PIN") as told:
        key.wrap(TABLE_KEY)
    assert "wrong" not in str(told.value)
    with pytest.raises(WrappingKeyError, match="not tried again"):
        key.wrap(TABLE_KEY)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SIEVERT_PKCS11_MODULE", "", "needs SIEVERT_PKCS11_MODULE"),
        ("SIEVERT_PKCS11_MODULE", "/no/such/library.so", "cannot be used"),
        ("SIEVERT_PKCS11_PIN", "", "SIEVERT_PKCS11_PIN"),
        ("SIEVERT_PKCS11_TOKEN", "other", "no token of that label"),
        ("SIEVERT_PKCS11_TOKEN", "", "no token is named"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    keys: TokenKeys, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WrappingKeyError, match=said) as told:
        keys.renew(None)
    assert PIN not in str(told.value)


def test_threads_take_turns(keys: TokenKeys) -> None:
    key = keys.find(keys.renew(None))
    wrapped = key.wrap(TABLE_KEY)
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(key.unwrap, [wrapped] * 24)) == [TABLE_KEY] * 24


def test_a_ciphertext_that_is_too_short_is_told_as_damaged(keys: TokenKeys) -> None:
    key = keys.find(keys.renew(None))
    for length in (0, 12, 20):
        with pytest.raises(WrappingKeyError, match="damaged"):
            key.unwrap(bytes(length))


def test_a_pin_may_lie_in_a_file_that_nobody_else_reads(
    keys: TokenKeys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    file.chmod(0o600)
    monkeypatch.delenv("SIEVERT_PKCS11_PIN")
    monkeypatch.setenv("SIEVERT_PKCS11_PIN_FILE", str(file))
    key = keys.find(keys.renew(None))
    assert key.unwrap(key.wrap(TABLE_KEY)) == TABLE_KEY
    file.chmod(0o644)
    with pytest.raises(SievertError, match="others"):
        key.wrap(TABLE_KEY)


def test_another_pin_is_tried_after_one_that_was_refused(keys: TokenKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.find(keys.renew(None))
    monkeypatch.setenv("SIEVERT_PKCS11_PIN", "1111-2222")
    with pytest.raises(WrappingKeyError, match="refuses the PIN"):
        key.wrap(TABLE_KEY)
    monkeypatch.setenv("SIEVERT_PKCS11_PIN", PIN)
    assert key.unwrap(key.wrap(TABLE_KEY)) == TABLE_KEY


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    for work in (lambda: TokenKeys().renew(None), lambda: TokenKeys().destroy("pkcs11:a:b")):
        with pytest.raises(WrappingKeyError, match="extra"):
            work()
