from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.custody.sharing import revoke, share
from pipelines.results.keystore import KeyStore
from sievert.errors import WrongKeyError
from tests.conftest import ROOT
from tests.stores import JOBS, PATIENTS, SHARDS, all_opened, fill, quiet, save, without

KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.results.custody.erasing import erase
from pipelines.results.custody.sharing import revoke, share
from pipelines.results.keystore import KeyStore

def die(done, of):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

store, clinic = (KeyStore(Path(place)) for place in sys.argv[1:3])
{command}
"""


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return create_key_store(tmp_path / "keys")


@pytest.fixture
def clinic(tmp_path: Path) -> KeyStore:
    return create_key_store(tmp_path / "clinic")


def kill(command: str, store: KeyStore, clinic: KeyStore) -> None:
    program = [sys.executable, "-c", KILLED.format(command=command), str(store.folder), str(clinic.folder)]
    assert subprocess.run(program, cwd=ROOT, check=False).returncode == -signal.SIGKILL


def test_an_erasure_that_was_killed_holds_already_and_is_finished_by_the_next(
    store: KeyStore, clinic: KeyStore
) -> None:
    secrets = fill(store)
    kill(f"erase(store, '{PATIENTS[0]}', job=None, progress=die)", store, clinic)
    save(store, JOBS[1], SHARDS, {patient: bytes(32) for patient in PATIENTS})
    assert PATIENTS[0] not in all_opened(store)[JOBS[1], SHARDS]
    assert erase(store, PATIENTS[0], job=None, progress=quiet).tables == len(JOBS) * SHARDS - 2
    late = {(JOBS[1], SHARDS): {patient: bytes(32) for patient in PATIENTS}}
    assert all_opened(store) == without(secrets | late, PATIENTS[0])


def test_sharing_that_was_killed_is_finished_by_the_next(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    kill("share(store, clinic.public, name='c', role='r', from_now_on=False, progress=die)", store, clinic)
    shared = share(store, clinic.public, name="c", role="r", from_now_on=False, progress=quiet)
    assert shared.tables == len(JOBS) * SHARDS - 2
    assert all_opened(KeyStore(store.folder, private=clinic.folder / "recipient.key")) == secrets


def test_revoking_that_was_killed_is_finished_by_the_next(store: KeyStore, clinic: KeyStore) -> None:
    secrets = fill(store)
    share(store, clinic.public, name="c", role="r", from_now_on=False, progress=quiet)
    kill("revoke(store, 'c', progress=die)", store, clinic)
    assert revoke(store, "c", progress=quiet).tables == len(JOBS) * SHARDS - 2
    assert all_opened(store) == secrets
    with pytest.raises(WrongKeyError):
        all_opened(KeyStore(store.folder, private=clinic.folder / "recipient.key"))
