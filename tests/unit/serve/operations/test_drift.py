from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from serve.operations.drift import DriftWatch, spread_of, stability_index
from sievert.errors import ServeError

CHANCE = np.random.default_rng(5)
Told = list[tuple[dict[str, float], int]]


def watch(state: Path, told: Told, *, digest: str = "a" * 64) -> DriftWatch:
    def tell(indices: Mapping[str, float], studies: int) -> None:
        told.append((dict(indices), studies))

    return DriftWatch(state, digest=digest, first=500, window=400, tell=tell)


def feed(drift: DriftWatch, count: int, *, shift: float = 0.0) -> None:
    for _ in range(count):
        probability = float(np.clip(CHANCE.beta(2, 5) + shift, 0, 1))
        drift.add({"probability": probability, "brightness": CHANCE.normal(0.5, 0.1), "size_px": 1024.0})
    drift.compare()


def test_the_index_is_the_sum_that_its_source_gives() -> None:
    baseline = spread_of([0.05 + tenth / 10 for tenth in range(10)] * 10)
    shifted = [0.05 + tenth / 10 for tenth in range(5)] * 20
    shares = np.array([0.2] * 5 + [1e-4] * 5)
    wanted = ((shares - 0.1) * np.log(shares / 0.1)).sum()
    assert stability_index(baseline, shifted) == pytest.approx(wanted, rel=1e-3)


def test_the_same_population_stays_below_a_tenth_and_another_is_above_a_quarter(tmp_path: Path) -> None:
    told: Told = []
    drift = watch(tmp_path / "state", told)
    feed(drift, 500)
    feed(drift, 400)
    assert max(told[-1][0].values()) < 0.1
    feed(drift, 400, shift=0.3)
    indices, studies = told[-1]
    assert indices["probability"] > 0.25
    assert indices["brightness"] < 0.1
    assert studies == 400


def test_a_value_that_all_have_drifts_in_both_directions() -> None:
    baseline = spread_of([1024.0] * 500)
    assert stability_index(baseline, [1024.0] * 200) == pytest.approx(0)
    assert stability_index(baseline, [2048.0] * 200) > 1
    assert stability_index(baseline, [512.0] * 200) > 1


def test_nothing_is_told_of_a_handful_of_studies(tmp_path: Path) -> None:
    told: Told = []
    drift = watch(tmp_path / "state", told)
    feed(drift, 50)
    assert told == [({}, 50)]


def test_the_baseline_outlives_the_replica_and_is_the_package_own(tmp_path: Path) -> None:
    state, told = tmp_path / "state", Told()
    feed(watch(state, told), 500)
    feed(watch(state, told), 120, shift=0.3)
    assert told[-1][0]["probability"] > 0.25
    feed(watch(state, told, digest="b" * 64), 120, shift=0.3)
    assert told[-1][0] == {}


def test_the_baseline_holds_shares_and_no_study(tmp_path: Path) -> None:
    told: Told = []
    feed(watch(tmp_path / "state", told), 500)
    (file,) = (tmp_path / "state").glob("drift-*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text("utf-8").count(",") < 80


def test_a_damaged_baseline_is_said_to_be(tmp_path: Path) -> None:
    state, told = tmp_path / "state", Told()
    feed(watch(state, told), 500)
    (file,) = state.glob("drift-*.json")
    file.write_text("{}")
    with pytest.raises(ServeError):
        feed(watch(state, told), 120)
