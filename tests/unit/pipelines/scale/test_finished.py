from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.scale.costs import CostModel, Overheads, average
from pipelines.scale.finished import read_costs
from sievert.errors import OutFolderError


def manifest_of(folder: Path, **run: Any) -> Path:  # noqa: ANN401 - any field of a run
    """1,000 images in 10 shards of 100, each 2.6 or 2.4 s, of which stages take 2.0 s."""
    told = {
        "images": 1000,
        "phase_s": {"plan": 0.5, "session": 6.0, "pool": 4.0, "collect": 0.018 + 0.9},
        "shard_s": {"count": 10, "sum": 25.0, "squares": 5 * 2.6**2 + 5 * 2.4**2, "longest": 2.6},
    }
    manifest = {
        "schema": "sievert.manifest/1",
        "counts": {"planned": 1000, "stage_s": {"admit": 15.0, "predict": 5.0}},
        "header": {"shard_size": 100},
        "run": {**told, **run},
    }
    (folder / "results").mkdir(parents=True)
    (folder / "results" / "shard-00000.parquet").write_bytes(b"x" * 3000)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_finished_job_tells_what_an_image_and_a_shard_cost(tmp_path: Path) -> None:
    costs = read_costs(manifest_of(tmp_path))
    assert costs.images == 1000
    assert costs.stage_s == pytest.approx({"admit": 0.015, "predict": 0.005})
    assert costs.overheads.shard_s == pytest.approx(0.5)
    assert costs.overheads.collect_image_s == pytest.approx(0.9 / 900)
    assert (costs.overheads.session_s, costs.overheads.pool_s) == (6.0, 4.0)
    assert costs.spread == pytest.approx(0.1 / 2.5 * 10)
    assert costs.error == pytest.approx(0.1 / 2.5 / 10**0.5)
    assert costs.written_bytes == pytest.approx(3.0)


def test_closing_is_timed_by_the_files_and_stock_where_a_copy_lost_their_times(tmp_path: Path) -> None:
    folder = manifest_of(tmp_path)
    assert read_costs(folder).overheads.anchor_s == Overheads().anchor_s
    (folder / "anchor.json").write_text("{}")
    os.utime(folder / "manifest.json", (100, 100))
    os.utime(folder / "anchor.json", (103, 103))
    assert read_costs(folder).overheads.anchor_s == pytest.approx(3.0)


@pytest.mark.parametrize("run", [{"shard_s": {}}, {"shard_s": {"count": 0}}, None])
def test_a_job_without_timed_shards_is_refused(tmp_path: Path, run: dict[str, Any] | None) -> None:
    if run is not None:
        manifest_of(tmp_path, **run)
    with pytest.raises(OutFolderError, match="no finished job"):
        read_costs(tmp_path)


def test_several_jobs_count_by_their_images() -> None:
    mixed = average([CostModel(100, {"admit": 1.0}, error=0.2), CostModel(300, {"admit": 2.0, "predict": 4.0})])
    assert mixed.images == 400
    assert mixed.stage_s == pytest.approx({"admit": 1.75, "predict": 3.0})
    assert mixed.overheads == Overheads()
    one = CostModel(100, {"admit": 1.0})
    assert average([one]) == one
