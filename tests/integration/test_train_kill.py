"""A training that is killed in the middle of an epoch and goes on ends in the weights of an undisturbed one."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import torch

from models.networks.spec import NetworkSpec
from models.training.export import export_weights
from models.training.loop import fit_network
from models.training.settings import TrainingSettings
from pipelines.flows.train import TrainingOrder, read_order
from tests.integration.labelled import TINY, provenance_of, save_boxes
from tests.integration.processes import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(2400)  # half a minute each on a quiet machine; a busy one is slower, not wrong

EPOCHS = 5
PATIENCE_S = 900.0
WORKER = "ray::RayTrainWorker"
IMAGES = (1600, 16, 16)
"""An epoch of them takes a second or two: long enough to die in the middle of one."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trainings")
    save_boxes(folder / "boxes.npz", IMAGES)
    return folder


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> str:
    """SHA-256 of the weights that one process comes to, which test_train.py finds equal to an undisturbed run's."""
    read = read_order(folder / "boxes.npz", TrainingOrder())
    spec = NetworkSpec(arch="hybrid", shape=(28, 28), options={"widths": (8, 8, 16, 16), "depths": (1, 1), "heads": 2})
    settings = TrainingSettings(threads=1, epochs=EPOCHS, seed=3, mixup=0.2)
    threads = torch.get_num_threads()
    network, _ = fit_network(read.train, read.validation, spec, settings, on_epoch=lambda _: None)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=False)
    return hashlib.sha256(export_weights(network)).hexdigest()


def _start(folder: Path, out: str) -> subprocess.Popen[str]:
    """In a session of its own, so that one signal reaches it and all that it started."""
    flags = (*TINY, "--threads", "1", "--epochs", str(EPOCHS), "--seed", "3", "--set", "training.mixup=0.2")
    command = [str(COMMAND), "train", "boxes.npz", "--out", out, *flags]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _hash(out: Path) -> str:
    return hashlib.sha256((out / "models" / "model.safetensors").read_bytes()).hexdigest()


def _checkpoints(run: Path) -> set[str]:
    return {file.parent.name for file in run.glob("*/checkpoint_*/state.pt")}


def _wait_for(process: subprocess.Popen[str], due: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:  # noqa: ANN401 - what was waited for
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        found = due()
        if found:
            return found
        time.sleep(0.01)
    _kill(process)
    raise AssertionError("it ended, or nothing happened, before it could be killed")


def _next_checkpoint(process: subprocess.Popen[str], run: Path) -> float:
    """Wait for one that is not there yet; seconds waited."""
    begun, before = time.monotonic(), _checkpoints(run)
    _wait_for(process, lambda: _checkpoints(run) - before)
    return time.monotonic() - begun


def _middle_of_the_next_epoch(process: subprocess.Popen[str], run: Path) -> float:
    """A checkpoint was written, and as much time has gone as a third of an epoch takes; seconds of an epoch."""
    _wait_for(process, lambda: _checkpoints(run))
    epoch_s = _next_checkpoint(process, run)
    _wait_a_third(process, epoch_s)
    return epoch_s


def _wait_a_third(process: subprocess.Popen[str], epoch_s: float) -> None:
    time.sleep(epoch_s / 3)
    assert process.poll() is None, "it ended before it could be killed"


def _workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Those that Ray started for this command."""
    found = []
    for one in psutil.Process(process.pid).children(recursive=True):
        try:
            title = one.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if title and title[0].startswith(WORKER):
            found.append(one)
    return found


def _end(process: subprocess.Popen[str]) -> str:
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    return " ".join(err.split())


def _kill(process: subprocess.Popen[str]) -> None:
    """It and all that it started, with one signal."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def cleaned() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            _kill(process)


def _start_again(folder: Path, out: str, undisturbed: str, cleaned: list[subprocess.Popen[str]]) -> None:
    """Where the driver was killed: it must go on, not begin anew, and end as an undisturbed training does."""
    assert not (folder / out).exists()
    again = _start(folder, out)
    cleaned.append(again)
    said = _end(again)
    assert "goes on after epoch" in said
    assert "epoch 1 of" not in said
    assert f"epoch {EPOCHS} of {EPOCHS}" in said
    assert _hash(folder / out) == undisturbed
    assert not (folder / f"{out}.run").exists()


def test_worker_and_then_driver_killed_in_an_epoch_it_goes_on_and_ends_in_the_same_weights(
    folder: Path, undisturbed: str, cleaned: list[subprocess.Popen[str]]
) -> None:
    run = folder / "both.run"
    process = _start(folder, "both")
    cleaned.append(process)
    epoch_s = _middle_of_the_next_epoch(process, run)
    (worker,) = _workers_of(process)
    worker.kill()
    _next_checkpoint(process, run)  # by the worker that took its place
    _wait_a_third(process, epoch_s)
    _kill(process)
    _start_again(folder, "both", undisturbed, cleaned)
    assert len(provenance_of(folder / "both")["epochs"]) == EPOCHS


@pytest.mark.chaos
def test_worker_killed_in_an_epoch_is_replaced_and_ends_in_the_same_weights(
    folder: Path, undisturbed: str, cleaned: list[subprocess.Popen[str]]
) -> None:
    process = _start(folder, "worker")
    cleaned.append(process)
    _middle_of_the_next_epoch(process, folder / "worker.run")
    (worker,) = _workers_of(process)
    worker.kill()
    assert "goes on after epoch" in _end(process)
    assert _hash(folder / "worker") == undisturbed
    assert len(provenance_of(folder / "worker")["epochs"]) == EPOCHS


@pytest.mark.chaos
def test_driver_killed_in_an_epoch_goes_on_when_started_again_and_ends_in_the_same_weights(
    folder: Path, undisturbed: str, cleaned: list[subprocess.Popen[str]]
) -> None:
    process = _start(folder, "driver")
    cleaned.append(process)
    _middle_of_the_next_epoch(process, folder / "driver.run")
    _kill(process)
    _start_again(folder, "driver", undisturbed, cleaned)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moments_it_ends_in_the_same_weights(
    folder: Path, undisturbed: str, cleaned: list[subprocess.Popen[str]], seed: int
) -> None:
    import random

    draw, out = random.Random(seed), f"chaos-{seed}"  # noqa: S311 - moments to kill at
    for _ in range(4):
        process = _start(folder, out)
        cleaned.append(process)
        deadline = time.monotonic() + draw.uniform(2, 25)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        _kill(process)
    process = _start(folder, out)
    cleaned.append(process)
    _end(process)
    assert _hash(folder / out) == undisturbed
