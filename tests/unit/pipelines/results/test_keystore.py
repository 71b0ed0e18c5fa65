from __future__ import annotations

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.keystore import DataKey, KeyStore
from pipelines.results.sealing import new_data_key
from sievert.errors import KeyStoreError, StorageError, WrongKeyError


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return create_key_store(tmp_path / "keys")


def save(store: KeyStore, attempt: str = "a" * 32) -> list[bytes]:
    keys = [new_data_key(), new_data_key()]
    made = [DataKey(f"patient{number}", key, [number, number + 2]) for number, key in enumerate(keys)]
    store.save_keys("job", shard=3, attempt=attempt, keys=made)
    return keys


def test_a_key_store_is_made_once_and_found_again(store: KeyStore) -> None:
    again = create_key_store(store.folder)
    assert again.identity_key == store.identity_key
    assert again.fingerprint == store.fingerprint


def test_many_that_make_it_at_once_end_with_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: create_key_store(tmp_path / "keys"), range(8)))
    assert len({store.identity_key for store in stores}) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]


def test_nobody_else_may_read_it(store: KeyStore) -> None:
    save(store)
    for path in (store.folder, *store.folder.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path.name


def test_a_key_that_others_may_read_is_refused(store: KeyStore) -> None:
    (store.folder / "recipient.key").chmod(0o644)
    with pytest.raises(KeyStoreError, match="others may read"):
        KeyStore(store.folder).private  # noqa: B018 - reading it is the claim


def test_wrapped_keys_open_by_row(store: KeyStore) -> None:
    first, second = save(store)
    assert store.data_keys("job", shard=3, attempt="a" * 32).keys == {0: first, 2: first, 1: second, 3: second}


def test_another_sites_key_store_opens_nothing(store: KeyStore, tmp_path: Path) -> None:
    save(store)
    other = create_key_store(tmp_path / "other")
    for name in ("jobs", "wrapping", "wrapping.json"):
        shutil.rmtree(other.folder / name) if (other.folder / name).is_dir() else None
        (store.folder / name).rename(other.folder / name)
    with pytest.raises(WrongKeyError):
        other.data_keys("job", shard=3, attempt="a" * 32)


def test_missing_data_keys_are_told_by_shard(store: KeyStore) -> None:
    with pytest.raises(KeyStoreError, match="shard 7"):
        store.data_keys("job", shard=7, attempt="a" * 32)


def test_keys_of_an_attempt_that_lost_are_gone(store: KeyStore) -> None:
    save(store)
    store.drop_keys("job", shard=3, attempt="a" * 32)
    assert not list((store.folder / "jobs" / "job").iterdir())


def test_no_key_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="no key store"):
        KeyStore(tmp_path)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "thesis.txt").write_text("x")
    with pytest.raises(KeyStoreError, match="something else"):
        create_key_store(tmp_path / "keys")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["keys", "thesis.txt"]


def test_a_place_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="key store could not be made"):
        create_key_store(tmp_path / "file" / "keys")


def test_secrets_do_not_stand_in_a_repr(store: KeyStore) -> None:
    assert store.identity_key.hex() not in repr(store)
    assert repr(store) == f"KeyStore({store.fingerprint})"
    assert "secret" not in repr(DataKey("p", b"secret", [0]))
