from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cohort.cohort import Cohort
from pipelines.cohort.declared import Declared
from pipelines.cohort.plan import Plan, cut_shards, write_plan
from sievert.errors import IntegrityError, WrongKeyError

KEY = bytes(32)


@given(st.integers(1, 10**8), st.none() | st.integers(1, 10_000))
def test_shards_are_powers_of_two_and_cover_each_input_once(planned: int, size: int | None) -> None:
    shards = cut_shards(planned, size=size)
    assert shards.size.bit_count() == 1
    assert shards.size <= (size or 1024)
    assert (shards.count - 1) * shards.size < planned <= shards.count * shards.size
    assert shards.length(0) == min(shards.size, planned)
    assert 1 <= shards.length(shards.count - 1) <= shards.size


def write(tmp_path: Path, count: int) -> tuple[Path, list[Declared]]:
    inputs = [Declared(f"/data/SMITH^{number}/x.dcm", f"PID{number}", "DX", None) for number in range(count)]
    file = tmp_path / "plan.parquet"
    write_plan(file, Cohort.of(inputs), shards=cut_shards(count, size=4), key=KEY)
    return file, inputs


def test_a_plan_gives_back_each_shard_as_it_was_planned(tmp_path: Path) -> None:
    file, inputs = write(tmp_path, 10)
    plan = Plan(file, key=KEY)
    read = [one for shard in range(3) for one in plan.shard(shard)]
    assert [one.index for one in read] == list(range(10))
    assert [(one.source, one.patient, one.modality, one.body_part) for one in read] == [
        (item.source, item.patient, item.modality, item.body_part) for item in inputs
    ]
    assert list(plan.sources()) == [item.source for item in inputs]


def test_paths_and_patients_do_not_stand_in_the_plan(tmp_path: Path) -> None:
    file, _ = write(tmp_path, 10)
    assert b"SMITH" not in file.read_bytes()
    assert b"PID" not in file.read_bytes()


def test_another_sites_key_does_not_open_a_plan(tmp_path: Path) -> None:
    file, _ = write(tmp_path, 2)
    with pytest.raises(WrongKeyError):
        Plan(file, key=b"\1" * 32).shard(0)


def test_a_damaged_plan_is_told(tmp_path: Path) -> None:
    file, _ = write(tmp_path, 2)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match="plan"):
        Plan(file, key=KEY)
