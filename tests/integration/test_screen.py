"""The main job through the front door, on a real Ray session."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sievert.errors import (
    EmptyCohortError,
    InputMissingError,
    ModelMissingError,
    NothingAdmittedError,
    OutFolderError,
    PermissionDeniedError,
    WrongKeyError,
)
from sievert.records import Reason
from tests.integration.conftest import Answer, Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]


@pytest.fixture
def screened(sievert: Sievert, pictures: Path) -> Answer:
    return sievert("screen", pictures, "--out", sievert.home / "out", "--json")


def test_an_archive_is_screened_as_the_folder_that_it_holds(sievert: Sievert, screened: Answer, pictures: Path) -> None:
    archive = shutil.make_archive(str(sievert.home / "cohort"), "zip", pictures)
    answer = sievert("screen", archive, "--out", sievert.home / "archived", "--json").json
    told = ("images", "screened", "flagged", "quarantined", "reasons", "decisions")
    assert {key: answer[key] for key in told} == {key: screened.json[key] for key in told}
    opened = sievert("open", sievert.home / "archived", "--json").json
    assert {record["source"].partition("//")[0] for record in opened} == {archive}


def test_the_whole_path_from_a_folder_to_verified_and_opened_results(
    sievert: Sievert, screened: Answer, pictures: Path
) -> None:
    assert screened.code == 0
    answer = screened.json
    assert (answer["images"], answer["screened"], answer["quarantined"]) == (26, 21, 5)
    assert answer["anchored"] is True
    assert answer["images_per_second"] > 0
    verified = sievert("verify", sievert.home / "out", "--json")
    assert verified.code == 0
    assert (verified.json["verified"], verified.json["failed"], verified.json["root"]) == (21, 0, answer["root"])
    opened = sievert("open", sievert.home / "out", "--json").json
    assert len(opened) == 21
    assert {Path(record["source"]).parent for record in opened} == {pictures}
    for name in ("record", "patient", "source", "diagnosis", "probability", "decision"):
        assert all(name in record for record in opened)
    assert sum(record["flagged"] for record in opened) == answer["flagged"]
    refused = sievert("open", sievert.home / "out", "--quarantined", "--json").json
    assert {Path(record["source"]).name: record["reason"] for record in refused} == {
        "LICENSE": Reason.FORMAT_UNKNOWN,
        "empty.png": Reason.FORMAT_EMPTY,
        "cut.png": Reason.FORMAT_TRUNCATED,
        "blank.png": Reason.COMPLIANCE_BLANK,
        "colour.png": Reason.COMPLIANCE_COLOUR,
    }
    rows = pq.read_table(sievert.home / "out" / "quarantine.parquet").to_pylist()
    assert {row["record"] for row in rows} == {record["record"] for record in refused}
    assert all(row["explanation"] for row in rows)


def test_the_same_command_again_changes_nothing_and_anchors_nothing(
    sievert: Sievert, screened: Answer, pictures: Path
) -> None:
    again = sievert("screen", pictures, "--out", sievert.home / "out", "--json")
    assert again.code == 0
    assert (again.json["root"], again.json["transaction"]) == (screened.json["root"], screened.json["transaction"])
    assert sievert("verify", sievert.home / "out").code == 0


@pytest.mark.usefixtures("screened")
def test_files_added_later_are_not_in_the_job_and_it_says_so(sievert: Sievert, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    first = sievert("screen", folder, "--out", sievert.home / "second", "--json")
    shutil.copy(folder / "00.png", folder / "late.png")
    again = sievert("screen", folder, "--out", sievert.home / "second", "--json")
    assert (again.json["images"], again.json["late_inputs"]) == (first.json["images"], 1)
    assert "1 input(s) turned up after" in again.err


def test_nothing_admitted_ends_with_its_own_code_and_a_valid_anchored_empty_result(
    sievert: Sievert, pictures: Path
) -> None:
    answer = sievert("screen", pictures / "refused", "--out", sievert.home / "out", "--json")
    assert answer.code == NothingAdmittedError.exit_code
    assert (answer.json["screened"], answer.json["quarantined"], answer.json["anchored"]) == (0, 5, True)
    assert "preprocessed data is empty" in answer.err
    assert sievert("verify", sievert.home / "out").code == 0
    assert sievert("open", sievert.home / "out", "--json").json == []


@pytest.mark.usefixtures("screened")
def test_where_a_run_cannot_go_on_it_says_why_in_one_line_with_a_code_of_its_own(
    sievert: Sievert, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()
    cases = [
        (InputMissingError, ("screen", tmp_path / "typo", "--out", tmp_path / "o")),
        (EmptyCohortError, ("screen", tmp_path / "empty", "--out", tmp_path / "o")),
        (ModelMissingError, ("screen", pictures, "--out", tmp_path / "o", "--model", "defautl")),
        (OutFolderError, ("screen", pictures, "--out", tmp_path / "thesis")),
        (OutFolderError, ("screen", pictures / "00.png", "--out", tmp_path / "out")),
        (OutFolderError, ("verify", tmp_path / "empty")),
    ]
    for kind, command in cases:
        answer = sievert(*command)
        assert answer.code == kind.exit_code, command
        (line,) = [line for line in answer.err.splitlines() if line.startswith("error")]
        assert "Traceback" not in answer.err
        assert line.endswith(kind.advice.rstrip(".")) or kind is OutFolderError, line
    monkeypatch.setenv("SIEVERT_STORE__KEYS", str(tmp_path / "other-keys"))
    sievert("screen", pictures / "00.png", "--out", tmp_path / "one")
    assert sievert("open", tmp_path / "out").code == WrongKeyError.exit_code


def test_no_write_permission_is_told(sievert: Sievert, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/secret/SMITH")

    monkeypatch.setattr(Path, "mkdir", denied)
    answer = sievert("screen", pictures, "--out", sievert.home / "new", "--json")
    assert answer.code == PermissionDeniedError.exit_code
    assert answer.json["error"] == "PermissionDeniedError"
    assert "SMITH" not in answer.err


@pytest.mark.usefixtures("screened")
def test_an_edited_result_is_found_and_named(sievert: Sievert) -> None:
    file = sievert.home / "out" / "results" / "shard-00001.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    answer = sievert("verify", sievert.home / "out")
    assert answer.code == 50
    assert "results/shard-00001.parquet" in answer.err


@pytest.mark.usefixtures("screened")
def test_no_path_and_no_identifier_stands_in_clear_in_the_out_folder(sievert: Sievert, pictures: Path) -> None:
    planted = [str(pictures).encode(), b"colour.png", b"refused", str(sievert.home / "home").encode()]
    for file in (sievert.home / "out").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [text for text in planted if text in content], file.name


@pytest.mark.usefixtures("screened")
def test_reports_leave_the_results_as_anchored_and_tell_no_id_unless_asked(sievert: Sievert) -> None:
    out = sievert.home / "out"
    records = sievert("open", out, "--json").json
    plain = sievert("report", out, "--json").json
    cases = sievert("report", out, "--cases", "3", "--json").json
    text = Path(plain["report"]).read_text()
    assert not [record for record in records if record["record"] in text or record["patient"] in text]
    shown = Path(cases["report"]).read_text()
    assert "patient data" in shown
    assert sum(record["record"] in shown for record in records) == min(3, sum(r["flagged"] for r in records))
    assert stat.S_IMODE(Path(cases["report"]).stat().st_mode) == 0o600
    assert sievert("verify", out).code == 0


@pytest.mark.usefixtures("screened")
def test_one_record_opens_by_its_id(sievert: Sievert) -> None:
    out = sievert.home / "out"
    wanted = sievert("open", out, "--json").json[3]
    assert sievert("open", out, "--record", wanted["record"], "--json").json == [wanted]
    assert wanted["record"] in sievert("open", out, "--record", wanted["record"]).out
    assert wanted["record"] in sievert("open", out).out
    assert sievert("open", out, "--record", "0" * 32).code == 50


def test_a_failing_worker_ends_the_run_with_its_own_error(
    sievert: Sievert, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker cannot read the key store: the error that it raised is the one that is told."""
    from pipelines.flows import screen as flow

    original = flow.make_task

    def elsewhere(*arguments: object, **named: object) -> object:
        from dataclasses import replace

        return replace(original(*arguments, **named), keys=sievert.home / "nowhere")  # type: ignore[arg-type]

    monkeypatch.setattr(flow, "make_task", elsewhere)
    answer = sievert("screen", pictures, "--out", sievert.home / "out")
    assert answer.code == 60
    assert "no key store" in answer.err


def test_keys_inside_the_results_are_refused(sievert: Sievert, pictures: Path) -> None:
    out = sievert.home / "out"
    answer = sievert("screen", pictures, "--out", out, "--keys", out / "keys")
    assert answer.code == 10
    assert "must not lie in the out folder" in answer.err
    assert not out.exists()
