"""A search takes in what it hears, and goes on from its journal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from models.networks.space import Float, SearchSpace
from models.networks.spec import NetworkSpec
from models.training.settings import TrainingSettings
from pipelines.flows.training.storage import RunStorage
from pipelines.flows.tuning.records import Journal, Trial
from pipelines.flows.tuning.run import Search
from pipelines.flows.tuning.space import Proposer
from pipelines.flows.tuning.tuning import LOST, Tuning
from sievert.errors import StorageError, TrainingError

RANGES: SearchSpace = {"training.mixup": Float(0.0, 0.4)}
SPEC = NetworkSpec(arch="hybrid", shape=(28, 28))


def told(epoch: int, loss: float, *, last: bool = False, failure: str = "") -> dict[str, Any]:
    return {
        "epoch": epoch,
        "validation_loss": loss,
        "validation_accuracy": 1 - loss,
        "last": last,
        "failure": failure,
        "done": last,
    }


class Searches:
    """Opens the same search again and again, as after a kill."""

    def __init__(self, folder: Path, *, trials: int = 3) -> None:
        self.journal, self.trials = Journal(RunStorage(str(folder))), trials

    def open(self, *, keep: str = "best") -> tuple[Tuning, list[Trial]]:
        seen: list[Trial] = []
        proposer = Proposer(RANGES, {"training.mixup": 0.0}, seed=0)
        return Tuning(self.journal, proposer, trials=self.trials, keep=keep, on_trial=seen.append), seen


@pytest.fixture
def searches(tmp_path: Path) -> Searches:
    return Searches(tmp_path)


def begin(tuning: Tuning) -> Trial:
    trial = tuning.begin()
    assert trial is not None
    return trial


def test_trials_are_numbered_and_come_to_an_end(searches: Searches) -> None:
    tuning, _ = searches.open()
    assert [begin(tuning).number for _ in range(3)] == [1, 2, 3]
    assert tuning.begin() is None
    assert tuning.left == 3


def test_states_follow_from_what_was_heard(searches: Searches) -> None:
    tuning, seen = searches.open()
    for _ in range(3):
        begin(tuning)
    tuning.hear(1, told(1, 0.5))
    tuning.hear(1, told(2, 0.4, last=True))
    tuning.end(1, lost=False)
    tuning.hear(2, told(1, 0.9))
    tuning.end(2, lost=False)
    tuning.hear(3, told(1, 0.3))
    tuning.hear(3, told(0, math.inf, last=True, failure="the loss is not finite"))
    tuning.end(3, lost=False)
    assert [(trial.state, trial.epochs, trial.reason) for trial in seen] == [
        ("finished", 2, ""),
        ("stopped", 1, ""),
        ("failed", 1, "the loss is not finite"),
    ]
    assert tuning.left == 0


def test_a_trial_whose_process_was_lost_failed(searches: Searches) -> None:
    tuning, _ = searches.open()
    begin(tuning)
    assert tuning.end(1, lost=True).reason == LOST


@pytest.mark.parametrize(("keep", "loss"), [("best", 0.2), ("last", 0.3)])
def test_the_loss_of_a_trial_is_that_of_the_epoch_that_is_kept(searches: Searches, keep: str, loss: float) -> None:
    tuning, _ = searches.open(keep=keep)
    begin(tuning)
    for epoch, value in enumerate((0.5, 0.2, 0.3), start=1):
        tuning.hear(1, told(epoch, value, last=epoch == 3))
    trial = tuning.end(1, lost=False)
    assert (trial.validation_loss, trial.validation_accuracy) == (loss, 1 - loss)


def test_an_epoch_told_twice_counts_once(searches: Searches) -> None:
    tuning, _ = searches.open()
    begin(tuning)
    for epoch in (1, 2, 1, 2, 3):
        tuning.hear(1, told(epoch, 0.5, last=epoch == 3))
    assert tuning.end(1, lost=False).epochs == 3


def test_a_killed_search_goes_on_with_what_was_running_and_ends_with_as_many_trials(searches: Searches) -> None:
    tuning, _ = searches.open()
    begin(tuning)
    tuning.hear(1, told(1, 0.5, last=True))
    tuning.end(1, lost=False)
    running = begin(tuning)
    tuning, seen = searches.open()
    assert [trial.number for trial in seen] == [1]
    assert tuning.left == 2
    assert begin(tuning) == running
    assert begin(tuning).number == 3
    assert tuning.begin() is None


def test_a_finished_search_has_nothing_left_until_more_trials_are_asked_for(searches: Searches) -> None:
    for number in (1, 2, 3):
        searches.journal.write(Trial(number=number, values={"training.mixup": 0.1}, state="failed"))
    assert searches.open()[0].left == 0
    searches.trials = 5
    tuning, _ = searches.open()
    assert tuning.left == 2
    assert begin(tuning).number == 4


def test_the_best_is_a_finished_one_where_there_is_one(searches: Searches) -> None:
    for number, state, loss in ((1, "finished", 0.5), (2, "stopped", 0.1), (3, "finished", 0.4)):
        trial = Trial(number=number, values={"training.mixup": number / 10}).with_curve(((loss, 0.5),), keep="best")
        searches.journal.write(trial.model_copy(update={"state": state}))
    result = searches.open()[0].result(SPEC, TrainingSettings())
    assert result.chosen == 3
    assert result.best == TrainingSettings(mixup=0.3)
    assert result.best_spec == SPEC


def test_where_all_trials_failed_the_first_reason_is_told(searches: Searches) -> None:
    trial = Trial(number=1, values={"training.mixup": 0.1}, state="failed", reason="out of memory")
    searches.journal.write(trial)
    with pytest.raises(TrainingError, match="none of 1 trials could be trained: out of memory"):
        searches.open()[0].result(SPEC, TrainingSettings())


def test_a_damaged_journal_is_told(searches: Searches, tmp_path: Path) -> None:
    (tmp_path / "trial-0001.json").write_text('{"number": 1}')
    with pytest.raises(StorageError, match="damaged"):
        searches.open()


def test_a_name_is_that_of_one_search_over_one_set_and_stays_with_more_trials() -> None:
    search = Search(SPEC, TrainingSettings(), RANGES, trials=3)
    others = [
        Search(SPEC, TrainingSettings(epochs=3), RANGES),
        Search(SPEC, TrainingSettings(), {"training.mixup": Float(0.0, 0.5)}),
        Search(SPEC, TrainingSettings(), RANGES, seed=1),
        Search(SPEC.model_copy(update={"arch": "cnn"}), TrainingSettings(), RANGES),
    ]
    names = {one.name("a" * 64) for one in others} | {search.name("b" * 64), search.name("a" * 64)}
    assert len(names) == 6
    assert Search(SPEC, TrainingSettings(), RANGES, trials=9).name("a" * 64) == search.name("a" * 64)
