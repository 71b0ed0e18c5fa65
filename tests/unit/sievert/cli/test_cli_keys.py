from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.results.keystore import KeyStore
from pipelines.results.opening import open_records
from pipelines.results.verifying import verify_job
from sievert.cli.main import run
from sievert.errors import (
    AuditError,
    ConfigError,
    ErasedError,
    KeyStoreError,
    NotAnchoredError,
    PassphraseError,
    StorageError,
    WrongKeyError,
)
from sievert.settings import PASSPHRASE_VARIABLE
from tests.jobs import Job, finish_job


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command printed
        return json.loads(self.out)


Command = Callable[..., Answer]


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Job:
    return finish_job([str(pictures)], tmp_path_factory.mktemp("screened"))


@pytest.fixture
def job(tmp_path: Path, screened: Job) -> Job:
    """A job and its keys, to be changed."""
    shutil.copytree(screened.settings.store.keys, tmp_path / "keys")
    store = screened.settings.store.model_copy(update={"keys": tmp_path / "keys"})
    return Job(screened.out, screened.settings.model_copy(update={"store": store}), screened.finished)


@pytest.fixture
def sievert(job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("SIEVERT_STORE__KEYS", str(job.settings.store.keys))
    monkeypatch.setenv("SIEVERT_STORE__LEDGER", str(job.settings.store.ledger))

    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run([str(word) for word in words])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


def test_a_clinic_opens_what_was_shared_and_exported_and_the_site_knows(
    sievert: Command, job: Job, tmp_path: Path
) -> None:
    clinic, part = tmp_path / "clinic", tmp_path / "part"
    assert sievert("keys", "init", "--keys", clinic, "--json").code == 0
    whole = sievert("open", job.out.path, "--json").json
    shared = sievert("keys", "share", clinic / "recipient.pub", "--name", "Dr. Who", "--json").json
    assert shared["keys"] > 0 == shared["unreachable"]
    assert sievert("keys", "export", part, "--recipient", "Dr. Who", "--json").json["keys"] == shared["keys"]
    assert not {"identity.key", "recipient.key", "wrapping"} & {file.name for file in part.rglob("*")}
    theirs = sievert("open", job.out.path, "--keys", part, "--private-key", clinic / "recipient.key", "--json")
    assert theirs.json == whole
    listed = sievert("keys", "list", "--json").json
    assert [one["name"] for one in listed["recipients"] if one["role"] == "clinician"] == ["Dr. Who"]
    assert listed["patients"] == 26
    assert sievert("keys", "revoke", "Dr. Who", "--json").json["keys"] == shared["keys"]
    refused = sievert("open", job.out.path, "--private-key", clinic / "recipient.key")
    assert refused.code == WrongKeyError.exit_code
    log = sievert("audit", "--out", job.out.path, "--json").json
    assert log["whole"]
    deeds = [entry["what"] for entry in log["log"]]
    assert deeds == [
        *("created", "submitted", "sealed", "anchored"),
        *(["opened"] * deeds.count("opened")),
        *("sharing", "shared", "exported", "revoking", "revoked"),
    ]


def test_after_erase_and_rotate_the_patient_is_gone_and_all_proofs_hold(sievert: Command, job: Job) -> None:
    records = sievert("open", job.out.path, "--json").json
    patient = records[0]["patient"]
    erased = sievert("keys", "erase", patient, "--yes", "--json").json
    assert (erased["tables"], erased["keys"]) == (1, 1)
    assert sievert("keys", "rotate", "--json").json["tables"] == 4
    left = sievert("open", job.out.path, "--json")
    assert left.json == [record for record in records if record["patient"] != patient]
    assert "1 record(s) left out" in left.err
    gone = sievert("open", job.out.path, "--record", records[0]["record"], "--json")
    assert gone.code == ErasedError.exit_code
    assert not verify_job(job.out, job.ledger).lies
    assert sievert("keys", "list", "--json").json["erased_records"] == 1
    log = job.settings.store.keys / "audit.jsonl"
    assert patient not in log.read_text()


def test_an_erasure_is_an_event_on_the_ledger_and_does_not_wait_for_it(
    sievert: Command, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sorted({record["patient"] for record in open_records(job.out, job.keys)})[:2]
    assert sievert("keys", "erase", first, "--yes", "--json").json["anchored"] is True
    away = {"KIND": "rpc", "URL": "http://127.0.0.1:9", "CHAIN_ID": "1", "CONTRACT": "0x" + "11" * 20}
    for name, value in away.items():
        monkeypatch.setenv(f"SIEVERT_LEDGER__{name}", value)
    monkeypatch.setenv("SIEVERT_LEDGER_KEY", "11" * 32)
    later = sievert("keys", "erase", second, "--yes")
    assert later.code == NotAnchoredError.exit_code
    assert "erased; its event is not anchored yet" in later.err
    assert second not in {record["patient"] for record in open_records(job.out, job.keys)}
    for name in away:
        monkeypatch.delenv(f"SIEVERT_LEDGER__{name}")
    assert [one["block"] is None for one in sievert("keys", "erasures", "--json").json["erasures"]] == [False, True]
    assert "2 erasure(s)" in sievert("keys", "erasures", "--anchor").out
    assert all(one["block"] for one in sievert("keys", "erasures", "--json").json["erasures"])


def test_erasing_asks_for_yes_and_knows_its_patients(sievert: Command, job: Job) -> None:
    patient = next(open_records(job.out, job.keys))["patient"]
    assert sievert("keys", "erase", patient).code == ConfigError.exit_code
    assert sievert("keys", "erase", "0" * 32, "--yes").code == KeyStoreError.exit_code
    assert sievert("keys", "erase", patient, "--yes", "--out", job.out.path, "--json").json["keys"] == 1


def test_a_passphrase_guards_the_private_key(
    sievert: Command, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "home" / "keys"
    assert sievert("keys", "init", "--passphrase", "--keys", keys).code == PassphraseError.exit_code
    assert not keys.exists()
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "correct horse")
    assert sievert("keys", "init", "--passphrase", "--keys", keys).code == 0
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    out = finish_job([str(pictures / "00.png")], tmp_path / "home").out.path
    assert sievert("open", out, "--keys", keys).code == PassphraseError.exit_code
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "wrong horse")
    assert sievert("open", out, "--keys", keys).code == PassphraseError.exit_code
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    file = tmp_path / "phrase"
    file.write_text("correct horse\n")
    file.chmod(0o600)
    monkeypatch.setenv("SIEVERT_STORE__PASSPHRASE_FILE", str(file))
    assert len(sievert("open", out, "--keys", keys, "--json").json) == 1


def test_an_export_overwrites_nothing(sievert: Command, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "thesis").touch()
    assert sievert("keys", "export", tmp_path / "part", "--recipient", "site").code == StorageError.exit_code
    assert sievert("keys", "export", tmp_path / "new", "--recipient", "nobody").code == KeyStoreError.exit_code
    assert not (tmp_path / "new").exists()


def test_an_exported_part_is_no_store_to_change(sievert: Command, tmp_path: Path) -> None:
    sievert("keys", "export", tmp_path / "part", "--recipient", "site")
    assert KeyStore(tmp_path / "part").is_exported
    for command in (("rotate",), ("revoke", "site"), ("erase", "0" * 32, "--yes")):
        assert sievert("keys", *command, "--keys", tmp_path / "part").code == KeyStoreError.exit_code


def test_a_log_that_was_cut_is_told_by_the_job_it_was_anchored_with(sievert: Command, job: Job) -> None:
    file = job.settings.store.keys / "audit.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]))
    assert sievert("audit", "--json").code == 0
    cut = sievert("audit", "--out", job.out.path, "--json")
    assert (cut.code, cut.json["whole"]) == (AuditError.exit_code, False)
    assert cut.json["faults"][0]["entry"] == 3
    file.unlink()
    assert sievert("audit", "--json").json["faults"] == [{"entry": 1, "problem": "the log is missing, or empty"}]


def test_the_log_is_printed_from_a_day_on_and_pruned_no_earlier_than_half_a_year(sievert: Command) -> None:
    assert sievert("audit", "--since", "2999-01-01", "--json").json["log"] == []
    assert sievert("audit", "--since", "yesterday").code == ConfigError.exit_code
    assert sievert("audit", "prune", "--json").json == {"dropped": 0, "retain_days": 183}
    assert "whole" in sievert("audit").out
