from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.results.outfolder import OutFolder, locked_out_folder, read_job
from sievert.errors import IntegrityError, OutFolderBusyError, OutFolderError
from tests.jobs import Job


def test_two_runs_cannot_hold_one_folder(tmp_path: Path) -> None:
    with locked_out_folder(tmp_path / "out"), pytest.raises(OutFolderBusyError), locked_out_folder(tmp_path / "out"):
        pass
    with locked_out_folder(tmp_path / "out"):
        pass


def test_a_file_and_a_strangers_folder_are_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    for name in ("file", "thesis"):
        with pytest.raises(OutFolderError), locked_out_folder(tmp_path / name):
            pass
    assert [entry.name for entry in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_what_a_run_killed_before_its_plan_left_is_taken_over(tmp_path: Path) -> None:
    with locked_out_folder(tmp_path / "out") as out:
        out.plan.write_bytes(b"half")
    with locked_out_folder(tmp_path / "out") as out:
        assert out.results.is_dir()


def test_a_header_that_was_changed_is_told(copy_of_finished: Job) -> None:
    job = copy_of_finished.out.job
    job.write_bytes(job.read_bytes().replace(b'"planned": 26', b'"planned":  26'))
    with pytest.raises(IntegrityError, match=r"job\.json"):
        read_job(copy_of_finished.out)


def test_the_commitment_changes_with_every_field(finished: Job) -> None:
    header = read_job(finished.out)
    assert header.job != replace(header, planned=header.planned + 1).job
    assert header.job != replace(header, model={**header.model, "digest": "0"}).job


def test_a_folder_without_a_job_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutFolderError, match="no job"):
        read_job(OutFolder(tmp_path))
