from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.rotating import rotate
from pipelines.results.keys.wrapping import read_state
from pipelines.results.keys.wrapping_vault import VaultKeys, VaultPlace
from pipelines.results.keystore import KeyStore
from sievert.errors import WrappingKeyError
from tests.stores import all_opened, fill, quiet
from tests.vault import TOKEN, Transit, running_vault

TABLE_KEY = bytes(range(32))


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, str], Transit]]:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with running_vault() as (address, transit):
        yield {"address": address, "mount": "transit", "key": "sievert"}, transit


@pytest.fixture
def keys(vault: tuple[dict[str, str], Transit]) -> VaultKeys:
    return VaultKeys(VaultPlace(**vault[0]))


def test_a_tables_key_is_wrapped_and_unwrapped_by_version(keys: VaultKeys) -> None:
    first = keys.renew(None)
    second = keys.renew(first)
    assert (first, second) == ("vault:sievert:v1", "vault:sievert:v2")
    wrapped = [keys.find(name).wrap(TABLE_KEY) for name in (first, second)]
    assert [one.split(b":")[1] for one in wrapped] == [b"v1", b"v2"]
    assert [keys.find(first).unwrap(one) for one in wrapped] == [TABLE_KEY] * 2


def test_a_destroyed_version_opens_nothing_and_can_be_destroyed_again(keys: VaultKeys) -> None:
    first = keys.renew(None)
    wrapped = keys.find(first).wrap(TABLE_KEY)
    second = keys.renew(first)
    for _ in range(2):
        keys.destroy(first)
        with pytest.raises(WrappingKeyError, match="too old"):
            keys.find(first).unwrap(wrapped)
        assert keys.find(second).unwrap(keys.find(second).wrap(TABLE_KEY)) == TABLE_KEY


def test_the_latest_version_can_be_destroyed(keys: VaultKeys, vault: tuple[dict[str, str], Transit]) -> None:
    first = keys.renew(None)
    wrapped = keys.find(first).wrap(TABLE_KEY)
    keys.destroy(first)
    assert set(vault[1].keys["sievert"].versions) == {2}
    with pytest.raises(WrappingKeyError):
        keys.find(first).unwrap(wrapped)


def test_a_store_lives_on_vault_and_moves_in_and_out(tmp_path: Path, vault: tuple[dict[str, str], Transit]) -> None:
    place, transit = vault
    store = create_key_store(tmp_path / "keys", wrapping="vault", vault=place)
    secrets = fill(store)
    assert all_opened(KeyStore(store.folder)) == secrets
    assert rotate(store, progress=quiet).destroyed == ("vault:sievert:v1",)
    assert all_opened(store) == secrets
    assert set(transit.keys["sievert"].versions) == {2}
    rotate(store, provider="local", progress=quiet)
    assert all_opened(store) == secrets
    assert set(transit.keys["sievert"].versions) == {3}
    rotate(store, provider="vault", progress=quiet)
    assert read_state(store.folder).current == "vault:sievert:v3"
    assert all_opened(store) == secrets
    with pytest.raises(WrappingKeyError, match="another Vault"):
        rotate(store, provider="vault", vault={**place, "key": "other"}, progress=quiet)


def test_what_vault_refuses_is_told_in_one_line_without_the_token(
    keys: VaultKeys, vault: tuple[dict[str, str], Transit], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = keys.find(keys.renew(None))
    for damaged in (b"vault:v1:AAAA", b"\xff", b"vault:v9:AAAA"):
        with pytest.raises(WrappingKeyError, match="Vault refuses"):
            key.unwrap(damaged)
    vault[1].sealed = True
    with pytest.raises(WrappingKeyError, match=r"503.*sealed"):
        key.wrap(TABLE_KEY)
    vault[1].sealed = False
    monkeypatch.setenv("VAULT_TOKEN", "hvs.wrong")
    with pytest.raises(WrappingKeyError, match="permission denied") as told:
        key.wrap(TABLE_KEY)
    assert "hvs" not in str(told.value)
    assert "\n" not in str(told.value)
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(WrappingKeyError, match="no token"):
        key.wrap(TABLE_KEY)
    (tmp_path / ".vault-token").write_text(f"{TOKEN}\n")
    assert key.unwrap(key.wrap(TABLE_KEY)) == TABLE_KEY


def test_the_token_goes_nowhere_else(vault: tuple[dict[str, str], Transit]) -> None:
    with pytest.raises(WrappingKeyError, match="HTTP 307"):
        VaultKeys(VaultPlace(**{**vault[0], "mount": "moved"})).renew(None)
    for address in ("http://vault.example.org", "ftp://localhost", "vault.example.org"):
        with pytest.raises(WrappingKeyError, match="https only"):
            VaultKeys(VaultPlace(**{**vault[0], "address": address}))


def test_a_vault_that_is_away_and_ids_of_another_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    keys = VaultKeys(VaultPlace("http://127.0.0.1:1", "transit", "sievert"))
    with pytest.raises(WrappingKeyError, match="cannot be asked"):
        keys.renew(None)
    for name in ("vault:other:v1", "vault:sievert:vx", "local:1"):
        with pytest.raises(WrappingKeyError, match="none of the Vault"):
            keys.find(name)
