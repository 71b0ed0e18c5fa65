"""What Ray Tune calls; without a session."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ray.tune.search import Searcher

from models.networks.space import Float
from pipelines.flows.training.storage import RunStorage
from pipelines.flows.tuning.bridge import METRIC, Halving, Suggester
from pipelines.flows.tuning.records import Journal, Trial
from pipelines.flows.tuning.space import Proposer
from pipelines.flows.tuning.tuning import Tuning

if TYPE_CHECKING:
    from pathlib import Path


def report(halving: Halving, number: int, epoch: int, loss: float) -> str:
    trial = SimpleNamespace(trial_id=f"id-{number}", config={"number": number})
    if epoch == 1:
        halving.on_trial_add(None, trial)
    return halving.on_trial_result(None, trial, {"epoch": epoch, METRIC: loss})


def test_a_trial_worse_than_the_better_half_is_stopped_at_a_quarter_of_its_epochs() -> None:
    halving = Halving(4, [])
    assert report(halving, 2, 1, 0.5) == "CONTINUE"
    assert report(halving, 3, 1, 0.9) == "STOP"
    assert report(halving, 4, 1, 0.4) == "CONTINUE"


def test_the_first_trial_is_never_stopped_before_its_end() -> None:
    halving = Halving(4, [])
    assert report(halving, 2, 1, 0.1) == "CONTINUE"
    assert [report(halving, 1, epoch, 0.9) for epoch in (1, 2, 3, 4)] == ["CONTINUE"] * 3 + ["STOP"]


def test_trials_of_an_earlier_run_count_at_each_rung() -> None:
    earlier = Trial(number=2, values={}, state="finished").with_curve(((0.3, 0.9), (0.2, 0.9)), keep="best")
    assert report(Halving(4, [earlier]), 3, 1, 0.4) == "STOP"
    assert report(Halving(4, []), 3, 1, 0.4) == "CONTINUE"


def test_a_failure_counts_at_no_rung() -> None:
    halving = Halving(4, [])
    trial = SimpleNamespace(trial_id="id-2", config={"number": 2})
    halving.on_trial_add(None, trial)
    halving.on_trial_result(None, trial, {"epoch": 0, METRIC: float("inf")})
    assert report(halving, 3, 1, 9.0) == "CONTINUE"


def test_trials_pass_between_ray_and_the_search_and_none_is_left_at_the_end(tmp_path: Path) -> None:
    proposer = Proposer({"training.mixup": Float(0.0, 0.4)}, {"training.mixup": 0.0}, seed=0)
    tuning = Tuning(Journal(RunStorage(str(tmp_path))), proposer, trials=1, keep="best", on_trial=lambda _: None)
    ended: list[Any] = []
    suggester = Suggester(tuning, ended=ended.append)
    assert suggester.suggest("a") == {"number": 1, "values": {"training.mixup": 0.0}}
    assert suggester.suggest("b") == Searcher.FINISHED
    told = {"epoch": 1, METRIC: 0.5, "validation_accuracy": 0.7, "last": True, "failure": ""}
    suggester.on_trial_result("a", told)
    suggester.on_trial_complete("a", told)
    assert [(trial.state, trial.validation_loss) for trial in ended] == [("finished", 0.5)]


def test_ray_can_pickle_the_searcher_whatever_the_search_holds() -> None:
    tuning: Any = SimpleNamespace(held=lambda: None)
    assert pickle.loads(pickle.dumps(Suggester(tuning, ended=print))).__dict__ == {}  # noqa: S301 - written just now
