from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cohort.cohort import Cohort
from pipelines.cohort.declared import Declared
from pipelines.flows import trial
from pipelines.flows.trial import mean_bytes, pick, try_sample
from pipelines.scale.costs import CostModel
from sievert.errors import DataError
from sievert.settings import Settings


def test_a_sample_comes_from_all_over_the_cohort() -> None:
    cohort = Cohort.of(Declared(f"/in/{number:06}") for number in range(200_000))
    picked = [int(one.source[4:]) for one in pick(cohort, 5)]
    assert picked == [0, 50_000, 100_000, 149_999, 199_999]
    assert len(pick(cohort, 300_000)) == 200_000


def test_a_sample_is_measured_and_nothing_of_it_is_kept(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sample = [Declared(str(file)) for file in sorted(pictures.rglob("*")) if file.is_file()][:20]
    costs = try_sample(sample, model="default", settings=Settings())
    assert costs.images == 4  # the second shard; the first one pays for what is done once
    assert {"read", "admit", "seal"} <= set(costs.stage_s)
    assert all(seconds >= 0 for seconds in costs.stage_s.values())
    assert costs.read_bytes == pytest.approx(mean_bytes(sample))
    assert costs.written_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_an_input_that_ends_the_process_is_told(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def run(self, _: object, *, lost: object) -> list[CostModel | None]:
            assert callable(lost)
            return [lost(None)]

    monkeypatch.setattr(trial, "ChildProcesses", Dead)
    with pytest.raises(DataError, match="ends its decoder"):
        try_sample([Declared(str(pictures))], model="default", settings=Settings())
