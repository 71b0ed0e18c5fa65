from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.results.binding import bind_folder
from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.opening import Skipped, open_records
from pipelines.results.outfolder import OutFolder, RollingHeader, read_job
from pipelines.results.rolling.closing import close_spool, is_open
from pipelines.results.rolling.frames import decode_spool
from pipelines.results.rolling.job import Entry, RollingJob, Subject, picture_context, picture_file, refreshed
from pipelines.results.rolling.spool import find_spools, read_spool
from pipelines.results.sealing import unseal
from pipelines.results.verifying import verify_job
from sievert.errors import DiskFullError, IntegrityError, UnfinishedError
from sievert.records import Reason, Refusal, ShardCounts

GONE = "0123456789abcdef" * 2


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    create_key_store(tmp_path / "keys")
    return KeyStore(tmp_path / "keys")


def header(keys: KeyStore) -> RollingHeader:
    model = {"name": "m", "version": "1", "digest": "d"}
    decision = {"labels": ["a", "b"], "positive": 1, "threshold": 0.5, "min_confidence": 0.6}
    plain = RollingHeader("", "0", 0, 4, "", "", model, "recipe", decision, {}, 1, keys.fingerprint)
    return refreshed(plain)


def opened(tmp_path: Path, keys: KeyStore) -> RollingJob:
    return RollingJob(tmp_path / "results", header(keys), keys, seeds={"training": 7}, to_disk=False)


def entry(number: int, *, patient: str = "p", picture: bytes | None = None) -> Entry:
    record = f"{number:032x}"
    payload: dict[str, Any] = {
        "record": record,
        "outcome": "screened",
        "decision": "positive",
        "flagged": True,
        "probability": 0.9,
        "explanation": None,
    }
    counts = ShardCounts(planned=1, screened=1, flagged=1, decisions={"positive": 1})
    return Entry(Subject(record, patient, {"source": f"online:{number}"}, picture), payload, None, counts)


def closed(tmp_path: Path, keys: KeyStore, count: int) -> OutFolder:
    job = opened(tmp_path, keys)
    for number in range(count):
        job.add(entry(number))
    job.release()
    out = close_spool(find_spools(keys.folder)[0], keys)
    assert out is not None
    return out


def test_a_closed_job_verifies_and_opens_like_any_other(tmp_path: Path, keys: KeyStore) -> None:
    out = closed(tmp_path, keys, 10)  # shards of 4, 4 and 2
    ledger = EmbeddedLedger(tmp_path / "ledger.sqlite")
    bind_folder(out, ledger, keys=keys)
    found = verify_job(out, ledger)
    assert (found.verified, found.lies) == (10, [])
    assert [(one["index"], one["source"]) for one in open_records(out, keys)] == [(n, f"online:{n}") for n in range(10)]
    assert read_job(out).planned == 10
    assert not find_spools(keys.folder)


def test_an_open_job_is_no_job_to_be_read_yet(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0))
    assert is_open(job.out)
    with pytest.raises(UnfinishedError):
        read_job(job.out)


def test_the_job_of_a_living_process_is_left_alone(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0))
    assert close_spool(find_spools(keys.folder)[0], keys) is None
    assert is_open(job.out)


def test_a_job_without_a_record_leaves_nothing(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.release()
    assert close_spool(find_spools(keys.folder)[0], keys) is None
    assert not job.out.path.exists()
    assert not find_spools(keys.folder)


def test_a_torn_last_frame_costs_that_frame_only(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0))
    job.add(entry(1))
    job.release()
    spool = find_spools(keys.folder)[0]
    whole = spool.read_bytes()
    for cut in (1, 7, 100):
        assert len(decode_spool(whole[:-cut])[1]) == 1
    spool.write_bytes(whole[:-1])
    out = close_spool(spool, keys)
    assert out is not None
    assert read_job(out).planned == 1


def test_leaves_that_are_passed_over_are_not_decoded(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    for number in range(3):
        job.add(entry(number))
    content = bytearray(find_spools(keys.folder)[0].read_bytes())
    assert [frame.row.index for frame in decode_spool(bytes(content), first=1)[1]] == [1, 2]
    content[content.index(b'{"row"') + 9] ^= 1  # in the first record
    assert decode_spool(bytes(content))[1] == []
    assert [frame.row.index for frame in decode_spool(bytes(content), first=1)[1]] == [1, 2]
    assert decode_spool(bytes(content), first=7)[1] == []


def test_a_full_disk_refuses_the_record_and_keeps_the_others(
    tmp_path: Path, keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0))
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: _full(real, fd, data, at))
    with pytest.raises(DiskFullError):
        job.add(entry(1))
    monkeypatch.setattr(os, "pwrite", real)
    assert job.add(entry(2))["index"] == 1
    job.release()
    out = close_spool(find_spools(keys.folder)[0], keys)
    assert out is not None
    assert [one["record"] for one in open_records(out, keys)] == [entry(0).subject.record, entry(2).subject.record]


def _full(real: Callable[..., int], descriptor: int, data: memoryview, place: int) -> int:
    """Half of it, then no space."""
    if len(data) > 64:
        return int(real(descriptor, data[: len(data) // 2], place)) if len(data) > 600 else _no_space()
    return _no_space()


def _no_space() -> int:
    raise OSError(28, "No space left on device")


def test_whoever_was_erased_meanwhile_gets_no_key(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0, patient="stays"))
    job.add(entry(1, patient=GONE))
    erase(keys, GONE, job=None, progress=lambda *_: None)
    job.release()
    out = close_spool(find_spools(keys.folder)[0], keys)
    assert out is not None
    skipped = Skipped()
    assert [one["index"] for one in open_records(out, keys, skipped=skipped)] == [0]
    assert skipped.erased == 1


def test_a_refused_study_stays_readable_with_its_reason(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    refusal = Refusal(Reason.FORMAT_UNKNOWN)
    plain = entry(0)
    payload = {"record": plain.subject.record, "outcome": "quarantined", "reason": refusal.reason.value}
    counts = ShardCounts(planned=1, quarantined=1, reasons={refusal.reason: 1})
    job.add(replace(plain, payload=payload, refusal=refusal, counts=counts))
    job.release()
    out = close_spool(find_spools(keys.folder)[0], keys)
    assert out is not None
    assert out.quarantine.exists()


def test_a_picture_opens_with_its_record_s_key_and_lies_under_the_root(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0, picture=b"a picture"))
    picture_file(job.out, "stray").write_bytes(b"of a request that was never answered")
    job.release()
    spool = find_spools(keys.folder)[0]
    about, _ = read_spool(spool)
    out = close_spool(spool, keys)
    assert out is not None
    assert about is not None
    key = keys.data_keys(job.job, shard=0, attempt=about.attempt).keys[0]
    sealed = picture_file(out, entry(0).subject.record)
    assert (
        unseal(sealed.read_bytes(), key=key, context=picture_context(job.job, entry(0).subject.record)) == b"a picture"
    )
    assert [file.name for file in out.pictures.iterdir()] == [sealed.name]
    bind_folder(out, EmbeddedLedger(tmp_path / "ledger.sqlite"), keys=keys)
    sealed.write_bytes(b"another")
    assert any(sealed.name in lie.file for lie in verify_job(out, EmbeddedLedger(tmp_path / "ledger.sqlite")).lies)


def test_a_study_that_is_refused_after_its_picture_was_kept_leaves_no_picture(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    plain = entry(0, picture=b"a picture")
    prepared = job.prepare(plain.subject)
    assert picture_file(job.out, plain.subject.record).exists()
    job.add(replace(plain, refusal=Refusal(Reason.FEATURES_NOT_FINITE)), prepared)
    assert not list(job.out.pictures.iterdir())


def test_a_job_that_is_let_go_of_waits_for_what_is_on_its_way(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)
    job.add(entry(0))
    job.begin()
    prepared = job.prepare(entry(1).subject)
    job.release()
    (spool,) = find_spools(keys.folder)
    assert close_spool(spool, keys) is None
    job.add(entry(1), prepared)
    job.end()
    out = close_spool(spool, keys)
    assert out is not None
    assert [one["source"] for one in open_records(out, keys)] == ["online:0", "online:1"]


def test_a_key_that_was_wrapped_for_a_shard_that_others_have_filled_still_opens(tmp_path: Path, keys: KeyStore) -> None:
    job = opened(tmp_path, keys)  # shards of 4
    prepared = job.prepare(entry(9).subject)
    for number in range(4):
        job.add(entry(number))
    assert job.add(entry(9), prepared)["index"] == 4
    job.release()
    out = close_spool(find_spools(keys.folder)[0], keys)
    assert out is not None
    assert [one["index"] for one in open_records(out, keys)] == [0, 1, 2, 3, 4]


def test_the_number_of_records_cannot_be_changed(tmp_path: Path, keys: KeyStore) -> None:
    out = closed(tmp_path, keys, 5)
    ledger = EmbeddedLedger(tmp_path / "ledger.sqlite")
    bind_folder(out, ledger, keys=keys)
    out.closed.write_bytes(out.closed.read_bytes().replace(b"5", b"4"))
    assert verify_job(out, ledger).lies


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.unit.pipelines.results.rolling.test_rolling_job import *
home = Path(sys.argv[1])
job = opened(home, KeyStore(home / "keys"))
for number in range(1000):
    job.add(entry(number, picture=b"x"))
    print(number, flush=True)
"""


def test_every_answered_record_of_a_killed_process_is_in_the_job(tmp_path: Path, keys: KeyStore) -> None:
    root = str(Path(__file__).parents[5])
    command = [sys.executable, "-c", _KILLED, str(tmp_path), root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        assert child.stdout is not None
        answered = [int(child.stdout.readline()) for _ in range(25)]
        child.send_signal(signal.SIGKILL)
        answered += [int(line) for line in child.stdout if line.strip().isdigit()]
    out = close_spool(find_spools(keys.folder)[0], keys)
    assert out is not None
    there = {int(one["source"].removeprefix("online:")) for one in open_records(out, keys)}
    assert set(answered) <= there


@pytest.mark.parametrize("step", ["save_wrapped", "log"])
def test_closing_that_is_cut_off_goes_on(
    tmp_path: Path, keys: KeyStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    job = opened(tmp_path, keys)
    for number in range(6):
        job.add(entry(number))
    job.release()
    spool = find_spools(keys.folder)[0]
    with monkeypatch.context() as patch:
        patch.setattr(KeyStore, step, lambda *_, **__: (_ for _ in ()).throw(IntegrityError("cut off")))
        with pytest.raises(IntegrityError):
            close_spool(spool, keys)
    out = close_spool(spool, keys)
    assert out is not None
    assert len(list(open_records(out, keys))) == 6
