"""Each erasure is an event that is bound on the ledger, at once or later, and tells no patient."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.custody.witnessing import FOLDER, bind_erasures, check_erasures, record_erasures
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from sievert.errors import AnchorError, IntegrityError
from tests.stores import JOBS, PATIENTS, SHARDS, fill, quiet


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    made = create_key_store(tmp_path / "keys")
    fill(made)
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> EmbeddedLedger:
    return EmbeddedLedger(tmp_path / "ledger.sqlite")


def erase_and_record(store: KeyStore, patient: str, job: str | None = None) -> None:
    record_erasures(store, erase(store, patient, job=job, progress=quiet))


def test_an_erasure_is_bound_with_what_it_removed_and_holds_when_it_is_checked(
    store: KeyStore, ledger: EmbeddedLedger
) -> None:
    erase_and_record(store, PATIENTS[0])
    erase_and_record(store, PATIENTS[1], JOBS[0])
    assert [one.anchor for one in check_erasures(store, ledger)] == [None, None]
    bound = bind_erasures(store, lambda _: ledger)
    checked = check_erasures(store, ledger)
    assert [one.anchor for one in checked] == [one.anchor for one in bound]
    assert [(one.told["job"], one.told["keys"]) for one in checked] == [("*", len(JOBS) * SHARDS), (JOBS[0], SHARDS)]
    assert len({one.anchor and one.anchor.block for one in checked}) == 2


def test_binding_again_changes_nothing_and_leaves_no_outbox(store: KeyStore, ledger: EmbeddedLedger) -> None:
    erase_and_record(store, PATIENTS[0])
    first = bind_erasures(store, lambda _: ledger)
    outboxes: list[Path] = []

    def opened(outbox: Path) -> EmbeddedLedger:
        outbox.write_bytes(b"")
        outboxes.append(outbox)
        return ledger

    again = bind_erasures(store, opened)
    assert [one.anchor for one in again] == [one.anchor for one in first]
    assert outboxes
    assert not any(outbox.exists() for outbox in outboxes)


def test_no_patient_stands_in_an_event(store: KeyStore, ledger: EmbeddedLedger) -> None:
    erase_and_record(store, PATIENTS[0])
    bind_erasures(store, lambda _: ledger)
    written = b"".join(file.read_bytes() for file in (store.folder / FOLDER).iterdir())
    assert PATIENTS[0].encode() not in written


def test_an_erasure_whose_process_was_killed_has_its_event_written_later(
    store: KeyStore, ledger: EmbeddedLedger
) -> None:
    erase(store, PATIENTS[0], job=None, progress=quiet)
    with pytest.raises(IntegrityError, match="no event"):
        check_erasures(store, ledger)
    record_erasures(store)
    (one,) = bind_erasures(store, lambda _: ledger)
    assert one.told["keys"] is None


@pytest.mark.parametrize("change", ["time", "keys", "number", "mark", "site"])
def test_an_event_that_was_changed_is_noticed(store: KeyStore, ledger: EmbeddedLedger, change: str) -> None:
    erase_and_record(store, PATIENTS[0])
    bind_erasures(store, lambda _: ledger)
    file = store.folder / FOLDER / "00000.json"
    told = json.loads(file.read_bytes())
    file.write_text(json.dumps({**told, change: 7 if change in {"keys", "number"} else "2020"}))
    with pytest.raises((IntegrityError, AnchorError)):
        check_erasures(store, ledger)


def test_a_key_store_from_a_backup_counts_anew_and_can_still_be_bound(
    store: KeyStore, ledger: EmbeddedLedger, tmp_path: Path
) -> None:
    """Its next erasure has a number that the ledger has seen."""
    shutil.copytree(store.folder, tmp_path / "backup")
    erase_and_record(store, PATIENTS[0])
    bind_erasures(store, lambda _: ledger)
    restored = KeyStore(tmp_path / "backup")
    erase_and_record(restored, PATIENTS[1])
    (one,) = bind_erasures(restored, lambda _: ledger)
    assert one.anchor is not None
    assert check_erasures(restored, ledger)[0].anchor == one.anchor
