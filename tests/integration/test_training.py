"""`sievert train` on Ray leaves the package that one process would, and says what is wrong where it cannot."""

from __future__ import annotations

import io
import re
import shlex
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from models.networks.spec import NetworkSpec
from models.package import load_package
from models.training.loop import fit_network
from models.training.settings import TrainingSettings
from pipelines.flows.train import TrainingOrder, read_order
from pipelines.flows.training.board import Follower
from pipelines.flows.training.run import KEPT_CHECKPOINTS, Crew, RayTraining
from sievert.cli.main import run
from sievert.errors import DivergedError
from tests.integration.conftest import Answer
from tests.integration.labelled import FAST, TINY, provenance_of, save_boxes, weights_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Sievert

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session"), pytest.mark.timeout(900)]

OPTIONS: dict[str, Any] = {"widths": (8, 8, 16, 16), "depths": (1, 1), "heads": 2}
SETTINGS = TrainingSettings(threads=1, batch_size=8, epochs=2)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(mode=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save_boxes(tmp_path / "boxes.npz")


def _refused(answer: Answer, code: int, *words: str) -> None:
    """The line for people tells the words, and says what to do next."""
    assert answer.code == code, answer.err
    line = " ".join(answer.err.split())
    assert "Traceback" not in line
    for word in words:
        assert word in line, line


@dataclass(frozen=True)
class First:
    """A training that several tests look at: none of them changes it."""

    data: Path
    out: Path
    logs: Path
    done: Answer


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    folder = tmp_path_factory.mktemp("first")
    made = First(save_boxes(folder / "boxes.npz"), folder / "model", folder / "logs", Answer(0, "", ""))
    tracked = ("--track", "tensorboard", "--track", "mlflow", "--track-folder", made.logs)
    told = io.StringIO()
    with redirect_stderr(told), redirect_stdout(io.StringIO()):
        code = run([str(one) for one in ("train", made.data, "--out", made.out, *FAST, *tracked)])
    assert code == 0, told.getvalue()
    return replace(made, done=Answer(code, "", told.getvalue()))


def test_package_holds_the_weights_of_one_process_and_training_again_gives_it_again(
    sievert: Sievert, first: First, tmp_path: Path
) -> None:
    assert "epoch 2 of 2: validation loss" in first.done.err
    assert not first.out.with_name("model.run").exists()
    read = read_order(first.data, TrainingOrder())
    spec = NetworkSpec(arch="hybrid", shape=(28, 28), options=OPTIONS)
    network, _ = fit_network(read.train, read.validation, spec, SETTINGS, on_epoch=lambda _: None)
    assert weights_in(first.out) == {name: one.numpy().tobytes() for name, one in network.state_dict().items()}
    again = sievert("train", first.data, *_repeated(first.out, tmp_path / "model"), "--json")
    assert again.json["digest"] == load_package(first.out).digest
    assert "goes on" not in again.err


def _repeated(out: Path, place: Path) -> list[str]:
    """What the package says it was made with, for another place."""
    told = shlex.split(provenance_of(out)["command"])
    assert told[:2] == ["sievert", "train"]
    told[told.index("--out") + 1] = str(place)
    return told[3:]


def test_two_workers_train_one_network(sievert: Sievert, data: Path, tmp_path: Path) -> None:
    done = sievert("train", data, "--out", tmp_path / "model", *FAST, "--workers", 2)
    assert done.code == 0, done.err
    assert done.err.count("epoch 1 of 2") == done.err.count("epoch 2 of 2") == 1
    assert sievert("model", "check", tmp_path / "model").code == 0


def test_accuracy_below_the_threshold_triggers_tuning_and_training_again_and_says_so(
    sievert: Sievert, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (16, 28, 28), dtype=np.uint8)
    data = save_boxes(tmp_path / "hard.npz", val_images=noise)
    out = tmp_path / "model"
    done = sievert("train", data, "--out", out, *FAST, "--threshold", 0.99, "--trials", 2)
    assert done.code == 0, done.err
    said = " ".join(done.err.split())
    assert "is below 0.99: tuning with 2 trials" in said
    assert "trial 2 of 2" in said
    assert "training again with what was found" in said
    assert "network is kept; 0.99 is still not reached" in said
    story = provenance_of(out)["retraining"]
    assert (story["threshold"], story["trials"]) == (0.99, 2)
    assert not (tmp_path / "model.run").exists()


@pytest.mark.chaos
def test_training_that_was_finished_but_not_packed_is_not_done_again(data: Path, tmp_path: Path) -> None:
    read = read_order(data, TrainingOrder())
    spec = NetworkSpec(arch="hybrid", shape=(28, 28), options=OPTIONS)
    heard: list[int] = []
    follower = Follower(lambda epoch: heard.append(epoch.number), lambda _: None)
    training = RayTraining(Crew(1, 1, str(tmp_path / "a b%20#c")), follower)
    sets = (read.train, read.validation)
    weights = []
    for _ in range(2):
        network, epochs = training.fit(*sets, spec, SETTINGS, digest=read.digest)
        weights.append({name: one.numpy().tobytes() for name, one in network.state_dict().items()})
        assert [epoch.number for epoch in epochs] == heard == [1, 2]
    assert weights[0] == weights[1]


def test_loss_that_is_not_finite_ends_at_once_and_leaves_the_last_good_checkpoint(
    sievert: Sievert, data: Path, tmp_path: Path
) -> None:
    """A decay of more than 1 a step lets the weights grow without end."""
    growing = ("--learning-rate", 8, "--set", "training.weight_decay=1", "--epochs", 8)
    command = ("train", data, "--out", tmp_path / "model", *FAST, *growing)
    answer = sievert(*command)
    _refused(answer, 81, "not finite", "Lower --learning-rate")
    found = re.search(r"(in|after) epoch (\d)", " ".join(answer.err.split()))
    assert found is not None, answer.err
    good = int(found[2]) - 1
    assert good >= 1
    assert len(list((tmp_path / "model.run").glob("*/checkpoint_*/state.pt"))) == min(good, KEPT_CHECKPOINTS)
    assert not (tmp_path / "model").exists()
    again = sievert(*command)
    _refused(again, 81, f"goes on after epoch {good}", found[0])


@pytest.mark.chaos
def test_two_workers_that_diverge_tell_it_once(data: Path, tmp_path: Path) -> None:
    read = read_order(data, TrainingOrder())
    spec = NetworkSpec(arch="hybrid", shape=(28, 28), options=OPTIONS)
    training = RayTraining(Crew(2, 2, str(tmp_path / "run")), Follower(lambda _: None, lambda _: None))
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(DivergedError, match="not finite"):
        training.fit(read.train, read.validation, spec, settings, digest=read.digest)


def test_bad_input_is_told_in_a_line_before_anything_is_trained(sievert: Sievert, data: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "model", *FAST)
    _refused(sievert("train", data, *out, "--arch", "hybird"), 32, "'hybird'", "hybrid", "sievert model list --zoo")
    _refused(sievert("train", data, "--out", tmp_path / "m", "--arch", "recurrent"), 33, "recurrent reads 3-D images")
    _refused(sievert("train", data, *out, "--size", 8), 33, "hybrid reads at least 16 rows, 16 columns")
    _refused(sievert("train", data, *out, "--set", "training.freeze=5"), 33, "hybrid has 4 stages; 5 cannot be frozen")
    _refused(sievert("train", data, *out, "--channels", 2), 25, "one or three channels, not 2")
    alone = save_boxes(tmp_path / "alone.npz", train_labels=np.zeros((32, 1), np.int64))
    _refused(sievert("train", alone, *out), 25, "one class only")
    _refused(sievert("train", tmp_path / "none.npz", *out), 21, "none.npz")
    assert not (tmp_path / "model").exists()


def test_patient_in_two_splits_is_refused_with_the_count(sievert: Sievert, tmp_path: Path) -> None:
    import cv2

    noise, rows = np.random.default_rng(0), ["source,label,patient,split"]
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number}.png"), noise.integers(0, 255, (32, 32), dtype=np.uint8))
        split = ("train", "train", "val", "test")[number % 4]
        rows.append(f"{number}.png,{'ab'[number // 4 % 2]},p{number // 2},{split}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    answer = sievert("train", tmp_path / "manifest.csv", "--out", tmp_path / "model", *FAST)
    _refused(answer, 26, "3 patients")


def test_figures_go_to_tensorboard_and_mlflow(first: First) -> None:
    assert list(first.logs.rglob("events.out.tfevents.*"))
    with sqlite3.connect(next(first.logs.rglob("*.sqlite"))) as database:
        rows = database.execute("select step, value from metrics where key = 'validation_loss'").fetchall()
    told = [epoch["validation_loss"] for epoch in provenance_of(first.out)["epochs"]]
    assert dict(rows) == pytest.approx(dict(enumerate(told, start=1)), abs=1e-4)


def test_package_is_a_start_for_another_training(sievert: Sievert, first: First, tmp_path: Path) -> None:
    frozen = ("--init", first.out, "--freeze", 4, "--set", "training.keep=last", "--epochs", 1)
    done = sievert("train", first.data, "--out", tmp_path / "second", *TINY, "--threads", 1, *frozen)
    assert done.code == 0, done.err
    before, after = weights_in(first.out), weights_in(tmp_path / "second")
    assert {name for name in before if before[name] != after[name]} == {"head.weight", "head.bias"}
    start = provenance_of(tmp_path / "second")["start"]
    assert start["name"] == "model"
