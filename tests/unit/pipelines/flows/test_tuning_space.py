"""What is proposed follows from the seed and from what was learnt, whoever was killed in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from models.networks.space import Choice, Float, Int
from models.networks.spec import NetworkSpec
from models.training.settings import TrainingSettings
from pipelines.flows.tuning.records import Trial
from pipelines.flows.tuning.space import Proposer, default_values, ranges_of
from sievert.errors import UnknownArchitectureError

if TYPE_CHECKING:
    from models.networks.space import SearchSpace

RANGES: SearchSpace = {
    "training.learning_rate": Float(1e-4, 1e-1, log=True),
    "training.accumulate": Int(1, 4),
    "training.loss": Choice(("cross-entropy", "focal")),
}
DEFAULT = {"training.learning_rate": 3e-3, "training.accumulate": 1, "training.loss": "cross-entropy"}


def finish(number: int, values: dict[str, Any]) -> Trial:
    """A trial that is the better, the higher its learning rate."""
    trial = Trial(number=number, values=values, state="finished")
    return trial.with_curve(((1 - values["training.learning_rate"], 0.5),), keep="best")


def search(seed: int, *, killed_after: int = 0) -> list[dict[str, Any]]:
    proposer = Proposer(RANGES, DEFAULT, seed=seed)
    proposed: list[dict[str, Any]] = []
    for number in range(1, 13):
        if number == killed_after + 1:
            proposer = Proposer(RANGES, DEFAULT, seed=seed)
            for earlier, values in enumerate(proposed, start=1):
                proposer.learn(finish(earlier, values))
        proposed.append(proposer.propose(number))
        proposer.learn(finish(number, proposed[-1]))
    return proposed


def test_the_first_proposal_is_the_defaults() -> None:
    assert search(0)[0] == DEFAULT


def test_proposals_lie_in_their_ranges() -> None:
    for values in search(0):
        assert 1e-4 <= values["training.learning_rate"] <= 1e-1
        assert values["training.accumulate"] in {1, 2, 3, 4}
        assert values["training.loss"] in {"cross-entropy", "focal"}


def test_the_same_seed_proposes_the_same_and_another_one_does_not() -> None:
    assert search(1) == search(1)
    assert search(1)[1:] != search(2)[1:]


@pytest.mark.parametrize("killed_after", [1, 4, 9])
def test_a_search_that_was_killed_proposes_what_it_would_have(killed_after: int) -> None:
    assert search(3, killed_after=killed_after) == search(3)


def test_later_proposals_follow_what_was_good() -> None:
    rates = [[values["training.learning_rate"] for values in search(seed)] for seed in range(5)]
    early = sorted(rate for one in rates for rate in one[1:6])
    late = sorted(rate for one in rates for rate in one[8:])
    assert late[len(late) // 2] > early[len(early) // 2]


def test_defaults_outside_of_the_ranges_are_proposed_as_they_are() -> None:
    proposer = Proposer(RANGES, DEFAULT | {"training.learning_rate": 1.0}, seed=0)
    first = proposer.propose(1)
    assert first["training.learning_rate"] == 1.0
    proposer.learn(finish(1, first))
    assert proposer.propose(2)["training.learning_rate"] <= 0.1


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_trials_that_did_not_finish_can_be_learnt_from(state: Any) -> None:  # noqa: ANN401 - a literal
    proposer = Proposer(RANGES, DEFAULT, seed=0)
    for number in range(1, 10):
        trial = Trial(number=number, values=proposer.propose(number), state=state)
        proposer.learn(trial.with_curve(((0.5, 0.5),) if state == "stopped" else (), keep="best"))
    assert set(proposer.propose(10)) == set(RANGES)


def test_what_the_user_has_set_is_not_tuned() -> None:
    assert "network.dropout" in ranges_of("hybrid")
    assert "network.dropout" not in ranges_of("hybrid", fixed=("network.dropout", "training.epochs"))


def test_an_unknown_network_has_no_ranges() -> None:
    with pytest.raises(UnknownArchitectureError):
        ranges_of("hybird")


def test_defaults_are_what_settings_options_and_architecture_say() -> None:
    spec = NetworkSpec(arch="hybrid", shape=(28, 28), options={"drop_path": 0.1})
    found = default_values(ranges_of("hybrid"), spec, TrainingSettings(mixup=0.3))
    assert (found["training.mixup"], found["network.drop_path"], found["network.dropout"]) == (0.3, 0.1, 0.2)
    assert found["augment.rotation_deg"] == TrainingSettings().augment.rotation_deg
    assert set(found) == set(ranges_of("hybrid"))
