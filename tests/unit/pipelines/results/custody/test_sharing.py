from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.sharing import revoke, share
from pipelines.results.keys.tables import find_tables
from pipelines.results.keystore import KeyStore
from sievert.errors import KeyStoreError, WrongKeyError
from tests.stores import JOBS, PATIENTS, SHARDS, all_opened, fill, quiet, save


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return create_key_store(tmp_path / "keys")


@pytest.fixture
def clinic(tmp_path: Path) -> KeyStore:
    """Another institution's key store: its private key is who we share with."""
    return create_key_store(tmp_path / "clinic")


def as_clinic(store: KeyStore, clinic: KeyStore) -> KeyStore:
    return KeyStore(store.folder, private=clinic.folder / "recipient.key")


def share_with(store: KeyStore, clinic: KeyStore, *, from_now_on: bool = False, name: str = "clinic") -> int:
    return share(store, clinic.public, name=name, role="clinic", from_now_on=from_now_on, progress=quiet).keys


def test_whom_we_share_with_opens_what_was_and_what_comes(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    with pytest.raises(WrongKeyError):
        all_opened(as_clinic(store, clinic))
    assert share_with(store, clinic) == len(JOBS) * SHARDS * len(PATIENTS)
    save(store, "c" * 64, 0, secrets[JOBS[0], 0])
    assert all_opened(as_clinic(store, clinic)) == all_opened(store) == secrets | {("c" * 64, 0): secrets[JOBS[0], 0]}


def test_sharing_again_adds_nothing(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    share_with(store, clinic)
    before = {place: place.file(store.folder).read_bytes() for place in find_tables(store.folder)}
    assert share_with(store, clinic) == 0
    assert before == {place: place.file(store.folder).read_bytes() for place in find_tables(store.folder)}
    assert all_opened(as_clinic(store, clinic)) == secrets


def test_from_now_on_leaves_closed_what_was(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store, jobs=JOBS[:1])
    share_with(store, clinic, from_now_on=True)
    secrets |= fill(store, jobs=JOBS[1:])
    for shard in range(SHARDS):
        with pytest.raises(WrongKeyError):
            as_clinic(store, clinic).data_keys(JOBS[0], shard=shard, attempt="f" * 32)
        opened = as_clinic(store, clinic).data_keys(JOBS[1], shard=shard, attempt="f" * 32)
        assert set(opened.keys.values()) == set(secrets[JOBS[1], shard].values())


def test_who_was_revoked_opens_nothing_of_what_is_there(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    share_with(store, clinic)
    assert revoke(store, "clinic", progress=quiet).keys == len(JOBS) * SHARDS * len(PATIENTS)
    fill(store, jobs=("c" * 64,))
    for place in find_tables(store.folder):
        with pytest.raises(WrongKeyError):
            as_clinic(store, clinic).data_keys(place.job, shard=place.shard, attempt=place.attempt)
        assert clinic.fingerprint.encode() not in place.file(store.folder).read_bytes()
    assert {place: keys for place, keys in all_opened(store).items() if place in secrets} == secrets


def test_who_was_revoked_can_be_taken_up_again(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    share_with(store, clinic)
    revoke(store, clinic.fingerprint, progress=quiet)
    share_with(store, clinic)
    assert all_opened(as_clinic(store, clinic)) == secrets


def test_the_last_recipient_stays(store: KeyStore, clinic: KeyStore) -> None:
    with pytest.raises(KeyStoreError, match="last recipient"):
        revoke(store, "site", progress=quiet)
    share_with(store, clinic)
    revoke(store, "site", progress=quiet)
    with pytest.raises(KeyStoreError, match="last recipient"):
        revoke(store, "clinic", progress=quiet)


def test_revoking_is_refused_where_it_would_erase(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    share_with(store, clinic, from_now_on=True)
    with pytest.raises(KeyStoreError, match="this recipient alone"):
        revoke(store, "site", progress=quiet)
    assert all_opened(store) == secrets


def test_names_and_keys_belong_together(store: KeyStore, clinic: KeyStore) -> None:
    share_with(store, clinic)
    other = X25519PrivateKey.generate().public_key()
    for public, name in ((other, "clinic"), (clinic.public, "ward"), (other, "site"), (store.public, "ward")):
        with pytest.raises(KeyStoreError, match=r"name is another key's|key is known as"):
            share(store, public, name=name, role="clinic", from_now_on=True, progress=quiet)
    for name in ("", "../up", " blank", "x" * 65, "a\nb"):
        with pytest.raises(KeyStoreError, match="letters"):
            share(store, other, name=name, role="clinic", from_now_on=True, progress=quiet)
    with pytest.raises(KeyStoreError, match="no recipient `nobody`"):
        revoke(store, "nobody", progress=quiet)


@pytest.mark.parametrize(
    "point",
    [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ],
)
def test_a_point_of_small_order_is_no_recipient(store: KeyStore, point: str) -> None:
    """The ones that Wycheproof has for X25519 with a shared secret of zero."""
    public = X25519PublicKey.from_public_bytes(bytes.fromhex(point))
    with pytest.raises(KeyStoreError, match="none that can be wrapped for"):
        share(store, public, name="weak", role="clinic", from_now_on=True, progress=quiet)
    assert [one.name for one in store.everybody()] == ["site"]


def test_what_the_private_key_does_not_open_is_counted_not_shared(
    store: KeyStore, clinic: KeyStore, tmp_path: Path
) -> None:
    share_with(store, clinic)
    revoke(store, "site", progress=quiet)
    fill(store)
    ward = create_key_store(tmp_path / "ward")
    shared = share(store, ward.public, name="ward", role="ward", from_now_on=False, progress=quiet)
    assert (shared.keys, shared.unreachable) == (0, len(JOBS) * SHARDS * len(PATIENTS))
