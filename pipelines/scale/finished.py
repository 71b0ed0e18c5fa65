"""Reads what a finished job cost from what it left behind."""

from __future__ import annotations

import json
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from pipelines.cohort.plan import Shards
from pipelines.results.outfolder import OutFolder
from pipelines.results.runmanifest import MANIFEST_SCHEMA
from pipelines.scale.costs import CostModel, Overheads
from sievert.errors import OutFolderError

if TYPE_CHECKING:
    from pathlib import Path

_STOCK = Overheads()


def read_costs(folder: Path) -> CostModel:
    """The costs of a job.

    Args:
        folder: Its out folder; `manifest.json` alone gives all but what closing took and what was written.

    Raises:
        OutFolderError: There is no finished job, or one that ran before shards were timed.
    """
    out = OutFolder(folder)
    manifest = _read(out)
    counts, run = manifest["counts"], manifest["run"]
    images = counts["planned"]
    stage_s = {stage: seconds / images for stage, seconds in counts["stage_s"].items()}
    shards, mean, deviation = _moments(run["shard_s"])
    size = min(manifest["header"]["shard_size"], images)
    spread = deviation / mean * sqrt(size)
    return CostModel(
        images=images,
        stage_s=stage_s,
        spread=spread,
        error=deviation / mean / sqrt(shards),
        written_bytes=sum(file.stat().st_size for file in out.results.glob("*.parquet")) / images,
        overheads=_overheads(out, manifest, max(0.0, mean - sum(stage_s.values()) * run["images"] / shards)),
    )


def _read(out: OutFolder) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(out.manifest.read_bytes())
        if manifest["schema"] == MANIFEST_SCHEMA and manifest["run"]["shard_s"]["count"]:
            return manifest
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise OutFolderError(
        "a folder named to calibrate by holds no finished job whose shards were timed",
        remedy="Name the out folder of a job that this version screened, or leave --like out to try a sample.",
    )


def _moments(shard_s: dict[str, float]) -> tuple[float, float, float]:
    """How many, mean and standard deviation."""
    count, mean = shard_s["count"], shard_s["sum"] / shard_s["count"]
    return count, mean, sqrt(max(0.0, shard_s["squares"] / count - mean**2))


def _overheads(out: OutFolder, manifest: dict[str, Any], shard_s: float) -> Overheads:
    phase_s, planned = manifest["run"]["phase_s"], manifest["counts"]["planned"]
    shards = Shards(planned, manifest["header"]["shard_size"])
    later = max(0, planned - shards.size)  # the collector's clock leaves its first shard out
    collected_s = phase_s["collect"] - (shards.count - 1) * _STOCK.collect_shard_s
    return replace(
        _STOCK,
        plan_image_s=min(_STOCK.plan_image_s, phase_s["plan"] / planned),
        session_s=phase_s["session"],
        pool_s=phase_s["pool"],
        shard_s=shard_s,
        collect_image_s=max(_STOCK.collect_image_s / 4, collected_s / later) if later else _STOCK.collect_image_s,
        anchor_s=_closing_s(out) or _STOCK.anchor_s,
    )


def _closing_s(out: OutFolder) -> float:
    """From the manifest to the anchor by the files' times; nothing where a copy has other times."""
    try:
        return max(0.0, out.anchor.stat().st_mtime - out.manifest.stat().st_mtime)
    except OSError:
        return 0.0
