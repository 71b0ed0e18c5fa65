"""`sievert submit` and `sievert jobs` with a real Ray that asks for a token."""

from __future__ import annotations

import json
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from cluster.submission import parcel, rayjobs
from cluster.submission.carried import pack
from sievert import __version__
from sievert.cli.main import run
from sievert.errors import ClusterMissingError, CredentialsError, InputMissingError, OtherVersionError
from tests.conftest import ROOT, blurred
from tests.rayhead import RayHead, run_head
from tests.services import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLD_WITHIN_S = 10
HALF_WAY_S = 90


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    home = tmp_path_factory.mktemp("head")
    environment = {
        "SIEVERT_STORE__KEYS": str(home / "keys"),
        "SIEVERT_STORE__LEDGER": str(home / "ledger.sqlite"),
        "SIEVERT_COHORT__SHARD_SIZE": "4",
        "OMP_NUM_THREADS": "1",
    }
    yield from run_head(environment)


@pytest.fixture
def known(head: RayHead, monkeypatch: pytest.MonkeyPatch) -> RayHead:
    monkeypatch.setenv("RAY_AUTH_TOKEN", head.token)
    return head


def draw(folder: Path, count: int) -> Path:
    folder.mkdir()
    noise = np.random.default_rng(7)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03d}.png"), blurred(noise, 128 + number))
    return folder


def test_a_screening_runs_on_the_cluster_and_shows_its_progress(
    known: RayHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, out = draw(tmp_path / "images", 100), tmp_path / "out"
    command = ["submit", "--address", known.url, "--", "screen", str(images), "--out", str(out), "--workers", "1"]
    assert run(command) == 0
    told = capsys.readouterr()
    assert "100 images planned" in told.out
    assert "100/100 images" in told.out
    assert "submitted" in told.err
    assert json.loads((out / "manifest.json").read_text("utf-8"))["counts"]["planned"] == 100
    assert (out / "anchor.json").exists()
    assert run(["submit", "--json", *command[1:]]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["joined"]
    assert run(["jobs", "list", "--address", known.url, "--json"]) == 0
    assert [job["job"] for job in json.loads(capsys.readouterr().out)] == [again["job"]]
    assert run(["jobs", "logs", again["job"], "--address", known.url]) == 0
    assert "100/100 images" in capsys.readouterr().out


def test_a_newer_sievert_goes_along_and_is_the_one_that_runs(
    known: RayHead, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = copy_rooms(tmp_path / "newer", version="99.0")
    monkeypatch.setattr(parcel, "_HERE", newer)
    monkeypatch.setattr(rayjobs, "pack", partial(pack, version="99.0"))
    images, out = draw(tmp_path / "images", 4), tmp_path / "out"
    command = ["--address", known.url, "--", "screen", str(images), "--out", str(out), "--workers", "1"]
    assert run(["submit", *command]) == OtherVersionError.exit_code
    assert "99.0" in capsys.readouterr().out
    assert run(["submit", "--ship", *command]) == 0
    assert json.loads((out / "manifest.json").read_text("utf-8"))["header"]["sievert"] == "99.0"


def copy_rooms(folder: Path, *, version: str) -> Path:
    for room in parcel.ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    about = folder / "sievert" / "__init__.py"
    about.write_text(about.read_text("utf-8").replace(__version__, version), "utf-8")
    return folder


def test_the_exit_code_is_the_jobs(known: RayHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = ["screen", str(tmp_path / "no&where"), "--out", str(tmp_path / "out")]
    assert run(["submit", "--address", known.url, "--", *nowhere]) == InputMissingError.exit_code
    assert "names nothing that exists" in capsys.readouterr().out


def test_stopped_half_way_what_is_stored_stays_and_the_same_command_goes_on(
    known: RayHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, out = draw(tmp_path / "images", 40), tmp_path / "out"
    command = ["--address", known.url, "--", "screen", str(images), "--out", str(out), "--workers", "1", "--json"]
    assert run(["submit", "--no-wait", "--json", *command]) == 0
    name = json.loads(capsys.readouterr().out)["job"]
    deadline = time.monotonic() + HALF_WAY_S
    while not (stored := shards(out)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert run(["jobs", "stop", name, "--address", known.url]) == 0
    assert run(["jobs", "wait", name, "--address", known.url]) == 117
    assert not (out / "anchor.json").exists()
    assert stored
    capsys.readouterr()
    assert run(["submit", *command]) == 0
    assert '"resumed": true' in capsys.readouterr().out
    assert stored.items() <= shards(out).items()
    assert (out / "anchor.json").exists()


def shards(out: Path) -> dict[str, int]:
    """Shard files with their inodes: one that is made again is another."""
    return {file.name: file.stat().st_ino for file in out.glob("**/shard-*.parquet")}


@pytest.mark.parametrize("command", [["jobs", "list"], ["submit", "--", "screen", "x", "--out", "y"]], ids=" ".join)
def test_a_wrong_token_and_a_wrong_address_are_told_in_one_line(
    head: RayHead, command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "ab" * 32)
    for url, kind in ((head.url, CredentialsError), (f"http://127.0.0.1:{free_port()}", ClusterMissingError)):
        began_s = time.monotonic()
        at = 2 if command[0] == "jobs" else 1
        assert run([*command[:at], "--address", url, *command[at:]]) == kind.exit_code
        assert time.monotonic() - began_s < TOLD_WITHIN_S
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "abab" not in told
