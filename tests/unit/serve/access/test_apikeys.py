from __future__ import annotations

import json
import os
import stat
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from serve.access import statefolder
from serve.access.apikeys import FILE, ApiKeys
from serve.access.principal import Role
from sievert.errors import AccessError, ServeError

YEAR_S = 365 * 86_400


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefolder, "CHECK_S", 0.0)


def test_a_key_lets_its_machine_in_with_its_roles(state: Path) -> None:
    key, text = ApiKeys(state).add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    assert ApiKeys(state).check(text) == key
    assert (key.name, key.roles, text[-4:]) == ("ct-1", frozenset({Role.SUBMITTER}), key.last_4)


def test_what_is_kept_is_a_salted_hash_that_only_the_owner_may_read(state: Path) -> None:
    _, text = ApiKeys(state).add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    _, other = ApiKeys(state).add("ct-2", [Role.SUBMITTER], lifetime_s=YEAR_S)
    content = (state / FILE).read_text()
    assert text.rpartition("_")[2] not in content
    assert len({one["salt"] for one in json.loads(content)["keys"]}) == 2
    assert stat.S_IMODE((state / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert len(text) == len(other) == len("svt_") + 12 + 1 + 64


def test_nothing_that_is_shown_holds_salt_or_hash(state: Path) -> None:
    key, _ = ApiKeys(state).add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    assert key.salt not in repr(key)
    assert key.digest not in repr(key)


def test_another_secret_or_id_is_refused_in_the_same_words(state: Path) -> None:
    keys = ApiKeys(state)
    _, text = keys.add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    wrong = [
        text[:-1] + ("0" if text[-1] != "0" else "1"),
        f"svt_{'0' * 12}_{'0' * 64}",
        text + "0",
        "svt_",
        text.upper(),
    ]
    told = set()
    for one in wrong:
        with pytest.raises(AccessError) as caught:
            keys.check(one)
        told.add(caught.value.message)
    assert told == {"the API key is not known here"}


def test_an_expired_key_is_refused(state: Path) -> None:
    now = [1000.0]
    keys = ApiKeys(state, clock=lambda: now[0])
    _, text = keys.add("ct-1", [Role.SUBMITTER], lifetime_s=60)
    now[0] = 1059
    keys.check(text)
    now[0] = 1060
    with pytest.raises(AccessError, match="expired"):
        keys.check(text)
    assert not keys.any_holds()


def test_a_running_replica_refuses_a_key_that_another_process_revoked(state: Path) -> None:
    replica = ApiKeys(state)
    _, text = ApiKeys(state).add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    replica.check(text)
    ApiKeys(state).revoke("ct-1")
    with pytest.raises(AccessError, match="revoked"):
        replica.check(text)


def test_a_replica_looks_at_the_file_twice_a_second_at_most(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefolder, "CHECK_S", 0.5)
    now = [0.0]
    monkeypatch.setattr("serve.access.statefolder.time.monotonic", lambda: now[0])
    replica = ApiKeys(state)
    _, text = ApiKeys(state).add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    replica.check(text)
    ApiKeys(state).revoke("ct-1")
    replica.check(text)
    now[0] = 0.5
    with pytest.raises(AccessError):
        replica.check(text)


def test_keys_that_are_added_at_once_are_all_kept(state: Path) -> None:
    with ThreadPool(8) as pool:
        pool.map(lambda n: ApiKeys(state).add(f"ct-{n}", [Role.SUBMITTER], lifetime_s=YEAR_S), range(16))
    assert len(ApiKeys(state).all()) == 16


def test_a_name_is_of_one_key_in_use(state: Path) -> None:
    keys = ApiKeys(state)
    keys.add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    with pytest.raises(ServeError, match="there is an API key"):
        keys.add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    keys.revoke("ct-1")
    keys.add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    assert [key.revoked for key in keys.all()] == [True, False]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 65, "anna (7d1)"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(state: Path, name: str) -> None:
    with pytest.raises(ServeError):
        ApiKeys(state).add(name, [Role.SUBMITTER], lifetime_s=YEAR_S)


def test_a_key_without_a_role_and_the_revoking_of_none_are_errors(state: Path) -> None:
    with pytest.raises(ServeError):
        ApiKeys(state).add("ct-1", [], lifetime_s=YEAR_S)
    with pytest.raises(ServeError, match="no API key"):
        ApiKeys(state).revoke("ct-1")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"schema": "sievert.api-keys/9", "keys": []}', b"\xff"])
def test_a_damaged_file_lets_nobody_in_at_any_look(state: Path, content: bytes) -> None:
    keys = ApiKeys(state)
    _, text = keys.add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    keys.check(text)
    (state / FILE).write_bytes(content)
    for _ in range(2):
        with pytest.raises(ServeError, match="damaged"):
            keys.check(text)


def test_a_file_or_folder_that_others_may_read_is_refused(state: Path) -> None:
    keys = ApiKeys(state)
    _, text = keys.add("ct-1", [Role.SUBMITTER], lifetime_s=YEAR_S)
    (state / FILE).chmod(0o644)
    os.utime(state / FILE, (1, 1))
    with pytest.raises(ServeError, match="others may read"):
        keys.check(text)
    state.chmod(0o755)
    with pytest.raises(ServeError, match="others may look"):
        keys.add("ct-2", [Role.SUBMITTER], lifetime_s=YEAR_S)
