from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.results.custody import rotating
from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.rotating import rotate
from pipelines.results.keys.tables import find_tables, read_table_footer
from pipelines.results.keys.wrapping import find_wrapping_key, read_state
from pipelines.results.keystore import KeyStore
from sievert.errors import KeyStoreError, WrappingKeyError
from sievert.settings import WRAPPING_KEYS_VARIABLE
from tests.conftest import ROOT
from tests.stores import JOBS, SHARDS, all_opened, fill, quiet, save

TABLES = len(JOBS) * SHARDS
KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.results.custody.rotating import rotate
from pipelines.results.keystore import KeyStore

def die(done, of):
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

rotate(KeyStore(Path(sys.argv[1])), progress=die)
"""


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return create_key_store(tmp_path / "keys")


def wrapping_of(store: KeyStore) -> set[str | None]:
    footers = [read_table_footer(place.file(store.folder)) for place in find_tables(store.folder)]
    return {footer.wrapping for footer in footers if footer}


def test_every_table_is_under_the_new_key_and_the_old_one_is_gone(store: KeyStore) -> None:
    secrets, old = fill(store), read_state(store.folder).current
    rotated = rotate(store, progress=quiet)
    assert (rotated.destroyed, rotated.tables, rotated.resumed) == ((old,), TABLES, False)
    assert wrapping_of(store) == {rotated.wrapping} != {old}
    assert [file.stem for file in (store.folder / "wrapping").iterdir()] == [rotated.wrapping.removeprefix("local:")]
    assert all_opened(store) == secrets


def test_each_table_gets_a_key_of_its_own_anew(store: KeyStore) -> None:
    def keys() -> set[bytes]:
        footers = [read_table_footer(place.file(store.folder)) for place in find_tables(store.folder)]
        return {
            find_wrapping_key(store.folder, footer.wrapping or "").unwrap(base64.b64decode(footer.key or ""))
            for footer in footers
            if footer
        }

    fill(store)
    before = keys()
    rotate(store, progress=quiet)
    assert len(before | keys()) == 2 * TABLES


@pytest.mark.parametrize("tables", [1, TABLES - 1, TABLES])
def test_a_rotation_that_was_killed_is_finished_by_the_next(store: KeyStore, tables: int) -> None:
    secrets, old = fill(store), read_state(store.folder).current
    command = [sys.executable, "-c", KILLED, str(store.folder), str(tables)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert all_opened(store) == secrets
    rotated = rotate(store, progress=quiet)
    assert (rotated.resumed, rotated.tables, rotated.destroyed) == (True, TABLES - tables, (old,))
    assert wrapping_of(store) == {rotated.wrapping}
    assert all_opened(store) == secrets
    assert len(list((store.folder / "wrapping").iterdir())) == 1


def test_the_old_key_stays_while_a_table_is_under_it(store: KeyStore) -> None:
    fill(store)
    old = read_state(store.folder).current or ""
    file = find_tables(store.folder)[-1].file(store.folder)
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(KeyStoreError, match="damaged"):
        rotate(store, progress=quiet)
    assert find_wrapping_key(store.folder, old).id == old
    file.write_bytes(whole)
    assert rotate(store, progress=quiet).destroyed == (old,)


def test_a_worker_that_commits_during_a_rotation_uses_the_new_key(store: KeyStore) -> None:
    fill(store)
    late = {"7" * 32: bytes(32)}

    def commit(done: int, _: int) -> None:
        if done == 1:
            save(KeyStore(store.folder), JOBS[0], SHARDS, late)

    rotated = rotate(store, progress=commit)
    assert wrapping_of(store) == {rotated.wrapping}
    assert set(store.data_keys(JOBS[0], shard=SHARDS, attempt="f" * 32).keys.values()) == {bytes(32)}


def test_two_commands_at_once_are_refused(store: KeyStore) -> None:
    fill(store)

    def again(*_: int) -> None:
        rotate(KeyStore(store.folder), progress=quiet)

    with pytest.raises(KeyStoreError, match="another command"):
        rotate(store, progress=again)


def test_a_key_from_the_environment_is_taken_up_and_given_up(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = fill(store)
    first, second = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    with pytest.raises(WrappingKeyError, match="not set"):
        rotate(store, provider="environment", progress=quiet)
    assert all_opened(store) == secrets
    monkeypatch.setenv(WRAPPING_KEYS_VARIABLE, first)
    rotate(store, provider="environment", progress=quiet)
    assert not list((store.folder / "wrapping").iterdir())
    with pytest.raises(WrappingKeyError, match="still the current one"):
        rotate(store, progress=quiet)
    monkeypatch.setenv(WRAPPING_KEYS_VARIABLE, f"{second},{first}")
    rotate(store, progress=quiet)
    monkeypatch.setenv(WRAPPING_KEYS_VARIABLE, second)
    assert all_opened(store) == secrets
    monkeypatch.setenv(WRAPPING_KEYS_VARIABLE, first)
    with pytest.raises(WrappingKeyError, match="does not hold"):
        all_opened(store)


def test_tables_of_one_recipient_are_read_and_taken_up(store: KeyStore) -> None:
    """Version 1, as 0.1.0 wrote it: patient, wrapped, indices; no footer of ours, no wrapping key."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    secrets = fill(store)
    for place in find_tables(store.folder):
        rows = [{"patient": r.patient, "wrapped": r.wrapped, "indices": r.indices} for r in store.read(place).rows]
        pq.write_table(pa.Table.from_pylist(rows), place.file(store.folder))
    for name in ("wrapping.json", f"recipients/{store.fingerprint}.json"):
        (store.folder / name).unlink()
    assert all_opened(store) == secrets
    rotated = rotate(store, progress=quiet)
    assert wrapping_of(store) == {rotated.wrapping}
    assert all_opened(store) == secrets


def test_a_key_that_was_made_and_never_used_is_cleared_away(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    with monkeypatch.context() as patch:
        patch.setattr(rotating, "write_state", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rotate(store, progress=quiet)
    assert len(list((store.folder / "wrapping").iterdir())) == 2
    rotate(store, progress=quiet)
    assert len(list((store.folder / "wrapping").iterdir())) == 1
    assert json.loads((store.folder / "wrapping.json").read_bytes())["retiring"] == []
