"""Studies go out without identity, once, with a report each, and the way back is in the key store alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest

from pipelines.admit.series.grouping import group_series
from pipelines.flows.deidentify import REPORT, Books, Deidentifier, Study, Terms, group_studies
from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.reidentifying import reidentify
from pipelines.results.keystore import KeyStore
from sievert.cli.main import run as main
from sievert.records import Reason
from sievert.settings import AdmitSettings, DeidentifySettings
from tests.dicoms import chest, encoded


class NoText:
    """Finds nothing."""

    find = staticmethod(lambda _: ())


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    create_key_store(tmp_path / "keys")
    return Terms(tmp_path / "out", tmp_path / "keys", AdmitSettings(), DeidentifySettings())


def write(folder: Path, name: str, **about: Any) -> None:  # noqa: ANN401
    folder.mkdir(exist_ok=True)
    given = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "SOPInstanceUID": f"1.2.3.1.{len(name)}"}
    (folder / name).write_bytes(encoded(chest(**{**given, **about})))


def studies_in(folder: Path) -> list[Study]:
    return group_studies(group_series(sorted(str(path) for path in folder.iterdir()), max_bytes=1 << 30)[0])


def run(folder: Path, terms: Terms) -> list[dict[str, Any]]:
    """What the command does, in this process."""
    books, work = Books(studies_in(folder), terms), Deidentifier(terms, NoText())  # type: ignore[arg-type]
    done = [books.take(work(one)) for one in books.files()]
    return [*books.earlier.values(), *(told for told in done if told is not None)]


def test_each_study_has_its_folder_its_objects_and_its_report(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a")
    write(tmp_path / "in", "bb", SeriesInstanceUID="1.2.3.2")
    write(tmp_path / "in", "ccc", StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.4.1")
    first, second = sorted(run(tmp_path / "in", terms), key=lambda told: -told["files"])
    assert (first["files"], second["files"]) == (2, 1)
    folder = terms.to / first["patient"] / first["study"]
    assert json.loads((folder / REPORT).read_bytes()) == first
    objects = [pydicom.dcmread(file) for file in folder.rglob("*.dcm")]
    assert {str(one.SOPInstanceUID) for one in objects} == set(first["written"])
    assert {"attribute": "PatientName", "action": "mapped", "count": 2} in first["attributes"]


def test_neither_names_nor_bytes_of_what_is_written_say_who_it_is(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a", AccessionNumber="ACC-12345")
    run(tmp_path / "in", terms)
    for path in terms.to.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(word in path.name.encode() + content for word in (b"DOE", b"PID-007", b"ACC-12345", b"1.2.3.1"))


def test_the_key_store_knows_the_way_back(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a")
    (told,) = run(tmp_path / "in", terms)
    (known,) = reidentify(KeyStore(terms.keys), told["patient"])
    assert (known["patient_id"], known["patient_name"], known["study"]) == ("PID-007", "DOE^JANE", "1.2.3")
    assert known["instances"] == {told["written"][0]: "1.2.3.1.1"}


def test_a_finished_study_is_left_as_it_is_and_one_that_grew_is_done_again(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a")
    (told,) = run(tmp_path / "in", terms)
    assert Books(studies_in(tmp_path / "in"), terms).earlier == {0: told}
    write(tmp_path / "in", "bb")
    (again,) = run(tmp_path / "in", terms)
    assert again["files"] == 2
    other = Terms(terms.to, terms.keys, terms.admit, DeidentifySettings(retain_device=True))
    assert Books(studies_in(tmp_path / "in"), other).earlier == {}


def test_a_file_that_is_refused_costs_itself_and_is_told_of(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a")
    write(tmp_path / "in", "bb", BurnedInAnnotation="YES")
    (told,) = run(tmp_path / "in", terms)
    assert (told["files"], len(told["written"])) == (2, 1)
    assert [(one["reason"], one["files"]) for one in told["refused"]] == [(Reason.COMPLIANCE_BURNED_IN.value, 1)]


def test_a_file_that_went_away_is_told_of(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a")
    books = Books(studies_in(tmp_path / "in"), terms)
    (tmp_path / "in" / "a").unlink()
    (one,) = books.files()
    told = books.take(Deidentifier(terms, NoText())(one))  # type: ignore[arg-type]
    assert told is not None
    assert told["refused"][0]["reason"] == Reason.FORMAT_UNREADABLE.value
    assert told["written"] == []


def test_no_identifier_is_in_the_text_of_what_travels_between_processes(tmp_path: Path, terms: Terms) -> None:
    write(tmp_path / "in", "a")
    books = Books(studies_in(tmp_path / "in"), terms)
    (one,) = books.files()
    done = Deidentifier(terms, NoText())(one)  # type: ignore[arg-type]
    assert not any(word in repr((one, done)) for word in ("DOE", "PID-007", "1.2.3", str(tmp_path / "in")))


@pytest.mark.parametrize("content", [None, b"no network"])
def test_a_text_finder_that_cannot_be_opened_is_one_error_and_no_files_fault(
    tmp_path: Path,
    content: bytes | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "in", "a")
    if content is not None:
        (tmp_path / "network.onnx").write_bytes(content)
    monkeypatch.setattr("models.textfinder.finding.NETWORK", tmp_path / "network.onnx")
    to = tmp_path / "out"
    assert main(["deidentify", str(tmp_path / "in"), "--to", str(to), "--keys", str(tmp_path / "keys")]) == 30
    assert "text finder's network cannot be opened" in capsys.readouterr().err
    assert not to.exists()
