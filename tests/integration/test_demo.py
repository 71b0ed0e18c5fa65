"""The demo, and the simulated cohort through the whole path."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cohort.simulated import write_simulated_cohort
from sievert.errors import OutFolderError
from sievert.records import Outcome
from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]


def test_every_simulated_study_ends_as_it_was_meant_to(sievert: Sievert, tmp_path: Path) -> None:
    folder = tmp_path / "cohort"
    studies = write_simulated_cohort(folder, studies=6)
    answer = sievert("screen", folder, "--out", sievert.home / "out", "--json").json
    assert answer["images"] == len(studies)
    opened = sievert("open", sievert.home / "out", "--json").json
    refused = sievert("open", sievert.home / "out", "--quarantined", "--json").json
    found = {
        Path(record["source"]).relative_to(folder): record.get("reason", Outcome.SCREENED)
        for record in [*opened, *refused]
    }
    assert found == {study.path: study.expected.value for study in studies}


def test_a_simulated_patients_name_stands_nowhere_but_in_the_envelope(sievert: Sievert, tmp_path: Path) -> None:
    write_simulated_cohort(tmp_path / "cohort", studies=3)
    answer = sievert("screen", tmp_path / "cohort", "--out", sievert.home / "out")
    planted = [b"Simulated^", b"SIMACC", b"SIM0000"]
    written = b"".join(file.read_bytes() for file in (sievert.home / "out").rglob("*") if file.is_file())
    assert not [name for name in planted if name in written]
    assert not [name for name in planted if name.decode() in answer.out + answer.err]
    for record in sievert("open", sievert.home / "out", "--json").json:
        assert record["PatientID"].startswith("SIM")
        assert {"PatientName", "PatientID", "PatientBirthDate", "InstitutionName"} <= set(record["removed_attributes"])


def test_the_demo_says_what_is_simulated_and_can_be_repeated(sievert: Sievert) -> None:
    out = sievert.home / "demo"
    for _ in range(2):
        answer = sievert("demo", "--out", out, "--studies", "6")
        assert answer.code == 0
        assert "simulated" in answer.err
        assert "What is simulated" in answer.out
        assert "local ledger: tamper-evident only to who keeps a copy of the root" in " ".join(answer.out.split())
    assert "patient data" in (out / "report.html").read_text()


def test_the_demo_leaves_a_folder_alone_that_is_no_demo(sievert: Sievert) -> None:
    folder = sievert.home / "thesis"
    folder.mkdir()
    (folder / "chapter.tex").touch()
    assert sievert("demo", "--out", folder).code == OutFolderError.exit_code
    assert (folder / "chapter.tex").exists()
