from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.package import load_package
from pipelines.flows.planning import PlannedJob, check_screenable, find_cohort, plan_job
from pipelines.results.custody.creating import create_key_store
from pipelines.results.outfolder import OutFolder
from sievert.errors import IntegrityError, ModelError, OutFolderError, WrongKeyError
from sievert.settings import AdmitSettings, DecideSettings, PredictSettings, Settings
from tests.jobs import settings_in
from tests.packages import make_package


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name)
    return folder


def plan(home: Path, inputs: list[str], settings: Settings | None = None) -> PlannedJob:
    settings = settings or settings_in(home)
    out = OutFolder(home / "out")
    out.work.mkdir(parents=True, exist_ok=True)
    keys = create_key_store(settings.store.keys)
    found = find_cohort(inputs, out)
    return plan_job(out, inputs, found=found, package=load_package("default"), keys=keys, settings=settings)


def test_the_same_command_takes_up_the_frozen_plan(tmp_path: Path, cohort: Path) -> None:
    first, second = plan(tmp_path, [str(cohort)]), plan(tmp_path, [str(cohort)])
    assert second.header == first.header
    assert (first.resumed, second.resumed) == (False, True)


def test_files_that_turn_up_later_are_counted_and_left_out(tmp_path: Path, cohort: Path) -> None:
    plan(tmp_path, [str(cohort)])
    (cohort / "d").write_text("d")
    (cohort / "e").write_text("e")
    (cohort / "a").unlink()
    again = plan(tmp_path, [str(cohort)])
    assert (again.header.planned, again.late) == (3, 2)


@pytest.mark.parametrize(
    ("branch", "value", "told"),
    [
        ("admit", AdmitSettings(min_side_px=65), "admit"),
        ("decide", DecideSettings(min_confidence=0.99), "decision"),
        ("predict", PredictSettings(batch_size=3), "batch size"),
    ],
)
def test_another_command_is_another_job(tmp_path: Path, cohort: Path, branch: str, value: object, told: str) -> None:
    plan(tmp_path, [str(cohort)])
    changed = settings_in(tmp_path).model_copy(update={branch: value})
    with pytest.raises(OutFolderError, match=told):
        plan(tmp_path, [str(cohort)], changed)
    with pytest.raises(OutFolderError, match="inputs"):
        plan(tmp_path, [str(cohort / "a")])


def test_another_key_store_is_told_as_such(tmp_path: Path, cohort: Path) -> None:
    plan(tmp_path, [str(cohort)])
    settings = settings_in(tmp_path)
    other = settings.model_copy(update={"store": settings.store.model_copy(update={"keys": tmp_path / "other"})})
    with pytest.raises(WrongKeyError):
        plan(tmp_path, [str(cohort)], other)


def test_a_plan_that_was_exchanged_is_not_taken_up(tmp_path: Path, cohort: Path) -> None:
    plan(tmp_path, [str(cohort)])
    file = tmp_path / "out" / "plan.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="frozen"):
        plan(tmp_path, [str(cohort)])


def test_inputs_that_are_gone_keep_nobody_from_finishing_a_frozen_plan(tmp_path: Path, cohort: Path) -> None:
    first = plan(tmp_path, [str(cohort)])
    shutil.rmtree(cohort)
    again = plan(tmp_path, [str(cohort)])
    assert (again.header, again.late) == (first.header, 0)


def test_a_relative_and_an_absolute_name_are_the_same_input(
    tmp_path: Path, cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plan(tmp_path, [str(cohort)])
    monkeypatch.chdir(tmp_path)
    assert plan(tmp_path, ["in"]).header == first.header


def test_two_jobs_over_the_same_inputs_have_different_commitments(tmp_path: Path, cohort: Path) -> None:
    one = plan(tmp_path, [str(cohort)])
    settings = settings_in(tmp_path)
    home = tmp_path / "second"
    home.mkdir()
    two = plan(home, [str(cohort)], settings)
    assert one.header.job != two.header.job
    assert replace(one.header, plan="", created="") == replace(two.header, plan="", created="")


def test_an_out_folder_that_is_an_input_is_told(cohort: Path) -> None:
    with pytest.raises(OutFolderError, match="one of the inputs"):
        find_cohort([str(cohort)], OutFolder(cohort))


@pytest.mark.parametrize(("channels", "shape"), [(1, (4, 6, 6)), (3, (6, 6))])
def test_package_that_cannot_read_what_is_admitted_is_refused(
    tmp_path: Path, channels: int, shape: tuple[int, ...]
) -> None:
    package = make_package(tmp_path / "model", np.ones((2, channels), np.float32), shape=shape)
    with pytest.raises(ModelError, match="screening admits single grey pictures"):
        check_screenable(package)
    check_screenable(load_package("default"))
