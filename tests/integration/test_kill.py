"""A run that is killed at any moment and started again ends as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.results.ledger import EmbeddedLedger
from tests.integration.processes import Runs

FIELDS_OF_A_RUN = {"job", "sievert"}
"""What two jobs over the same inputs differ in, once decrypted."""


SHARDS = 7
STEPS = ("plan.parquet", "job.json", "quarantine.parquet", "manifest.json", "report.html", "files.json", "anchor.json")


def committed(out: Path) -> int:
    return len(list(out.glob("results/*.parquet")))


def decrypted(runs: Runs, out: Path) -> list[dict[str, Any]]:
    code, records, err = runs.run("open", out, "--json")
    assert code == 0, err
    code, refused, err = runs.run("open", out, "--quarantined", "--json")
    assert code == 0, err
    return [{key: value for key, value in one.items() if key not in FIELDS_OF_A_RUN} for one in [*records, *refused]]


def kill_and_finish(runs: Runs, cohort: Path, out: Path, *, kills: int, seed: int) -> dict[str, Any]:
    """Kill `kills` runs at random moments, then let one finish; returns its answer and counts what was seen."""
    draw = random.Random(seed)  # noqa: S311 - moments to kill at
    seen = []
    for _ in range(kills):
        shards, delay_s = draw.randint(0, SHARDS), draw.choice([draw.uniform(0, 0.2), draw.uniform(0, 2.5)])
        running = runs.kill_when(lambda: committed(out) >= shards, delay_s, "screen", cohort, "--out", out, "--json")  # noqa: B023
        stage = ", ".join(name for name in STEPS if (out / name).exists()) or "nothing"
        seen.append(
            f"{shards} shards + {delay_s:.2f} s: {'killed' if running else 'done'} at {committed(out)}: {stage}"
        )
    code, answer, err = runs.run("screen", cohort, "--out", out, "--json")
    assert code == 0, err
    print("\n".join(seen))  # noqa: T201 - the record of the faults that were injected
    return dict(answer)


def check_like_undisturbed(runs: Runs, cohort: Path, tmp_path: Path, *, kills: int, seed: int) -> None:
    out, calm = tmp_path / "out", tmp_path / "calm"
    answer = kill_and_finish(runs, cohort, out, kills=kills, seed=seed)
    block = answer["block"]
    code, undisturbed, err = runs.run("screen", cohort, "--out", calm, "--json")
    assert code == 0, err
    for name in ("images", "screened", "flagged", "quarantined", "reasons"):
        assert answer[name] == undisturbed[name], name
    assert decrypted(runs, out) == decrypted(runs, calm)
    # a block an anchor: the one after this job's is the undisturbed job's
    assert undisturbed["block"] == block + 1
    anchor = EmbeddedLedger(runs.home / "ledger.sqlite").find(bytes.fromhex(answer["job"]))
    assert anchor is not None
    assert anchor.root.hex() == answer["root"]
    assert runs.run("verify", out, "--json")[1]["failed"] == 0


@pytest.fixture
def cohort(tmp_path: Path, pictures: Path) -> Path:
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(home=tmp_path / "home", cwd=tmp_path)


def test_killed_at_random_moments_a_job_ends_like_an_undisturbed_one(runs: Runs, cohort: Path, tmp_path: Path) -> None:
    check_like_undisturbed(runs, cohort, tmp_path, kills=3, seed=int(time.time()))


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_killed_many_times_a_job_ends_like_an_undisturbed_one(
    runs: Runs, cohort: Path, tmp_path: Path, seed: int
) -> None:
    check_like_undisturbed(runs, cohort, tmp_path, kills=5, seed=seed)


def test_files_added_between_kill_and_restart_are_left_out_and_told(runs: Runs, cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = runs.start("screen", cohort, "--out", out, "--json")
    while not (out / "job.json").exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    shutil.copy(cohort / "00.png", cohort / "late.png")
    code, answer, err = runs.run("screen", cohort, "--out", out, "--json")
    assert code == 0
    assert (answer["images"], answer["late_inputs"], answer["resumed"]) == (26, 1, True)
    assert "not in it" in err
    _, records, _ = runs.run("open", out, "--json")
    assert not [record for record in records if record["source"].endswith("late.png")]


def test_a_second_run_on_the_same_folder_is_told_to_wait(runs: Runs, cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = runs.start("screen", cohort, "--out", out, "--json")
    while not (out / "job.json").exists() and first.poll() is None:
        time.sleep(0.01)
    code, answer, err = runs.run("screen", cohort, "--out", out, "--json")
    assert code == 44
    assert answer["error"] == "OutFolderBusyError"
    assert "another run is writing" in err
    assert first.wait(120) == 0
    first.communicate()
