from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from models.training.loop import Training
from models.training.workers import Workers, seed_for
from tests.unit.models.training_samples import pictures, spec
from tests.unit.models.training_worker import SETTINGS, VALIDATION

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left that trained together."""
    out = tmp_path_factory.mktemp("pair")
    program = [sys.executable, "-m", "tests.unit.models.training_worker"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen([*program, str(rank), str(out / "meeting"), str(out)], cwd=ROOT, env=environment)
        for rank in (0, 1)
    ]
    assert [one.wait(240) for one in both] == [0, 0]
    return out


def _told(pair: Path, rank: int) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((pair / f"{rank}.json").read_bytes())
    return told


def test_two_workers_end_with_equal_weights_statistics_and_figures(pair: Path) -> None:
    first, second = _told(pair, 0), _told(pair, 1)
    assert first["hashes"] == second["hashes"]
    assert first["figures"] == second["figures"]


def test_two_workers_share_each_batch_and_learn_something(pair: Path) -> None:
    first, second = _told(pair, 0), _told(pair, 1)
    assert first["seen"] == second["seen"] == [4, 4] * 2
    untrained = Training(pictures(), VALIDATION, spec(), SETTINGS)
    assert first["figures"][-1][1] < untrained._validate()[0]


def test_what_two_workers_measured_is_what_one_measures_with_their_weights(pair: Path) -> None:
    training = Training(pictures(), VALIDATION, spec(), SETTINGS)
    training.restore(torch.load(pair / "0.pt", weights_only=True))
    loss, accuracy = training._validate()
    assert [loss, accuracy] == pytest.approx(_told(pair, 0)["figures"][-1][1:], rel=1e-5)


def test_shares_are_equal_but_for_one_and_miss_nothing() -> None:
    chosen = torch.arange(11)
    shares = [Workers(rank, 3).share(chosen) for rank in range(3)]
    assert sorted(torch.cat(shares).tolist()) == list(range(11))
    assert [len(share) for share in shares] == [4, 4, 3]


def test_one_alone_wraps_nothing_and_changes_nothing() -> None:
    assert Workers.here() == Workers()
    network = torch.nn.BatchNorm1d(2)
    assert Workers().wrap(network) is network
    Workers().agree(network)
    assert Workers().total(torch.ones(2)).tolist() == [1, 1]


def test_seeds_of_two_places_differ_and_fit_a_generator() -> None:
    seeds = {seed_for(seed, epoch, rank) for seed in range(3) for epoch in range(3) for rank in range(3)}
    assert len(seeds) == 27
    assert all(0 <= seed < 2**63 for seed in seeds)
    torch.Generator().manual_seed(max(seeds))
