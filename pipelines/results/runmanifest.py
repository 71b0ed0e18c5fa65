"""The run manifest: versions, settings, recipe, model, input hash, seeds, counts. It names no person and no path."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.results.audit import AuditHead
    from pipelines.results.outfolder import JobHeader
    from sievert.records import ShardCounts

MANIFEST_SCHEMA = "sievert.manifest/1"
_LIBRARIES = ("ray", "onnxruntime", "opencv-python-headless", "pydicom", "numpy", "pyarrow", "cryptography", "py-evm")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What only the run itself knows.

    Attributes:
        finished: UTC, ISO 8601.
        wall_s: From the first shard's start to the last one's commit, in this run.
        images: Inputs that this run did.
        resumed_shards: Shards that an earlier run had finished.
        workers: Screening workers.
        seeds: Of whatever was drawn at random.
        phase_s: Seconds that the driver spent before the first shard (`plan`, `session`, `pool`), and that the
            collector spent on all shards but its first (`collect`).
        shard_s: Of the shards of this run, in a worker from its beginning to its commit: how many, the sum of their
            seconds, the sum of the squares, and the longest.
    """

    finished: str
    wall_s: float
    images: int
    resumed_shards: int
    workers: int
    seeds: dict[str, int] = field(default_factory=dict)
    phase_s: dict[str, float] = field(default_factory=dict)
    shard_s: dict[str, float] = field(default_factory=dict)


def describe_run(
    header: JobHeader, counts: ShardCounts, facts: RunFacts, *, records: Mapping[int, bytes], audit: AuditHead
) -> dict[str, Any]:
    """The manifest's content.

    Args:
        header: Of the job.
        counts: Over all shards.
        facts: Of this run.
        records: SHA-256 over each shard's record ids. As ids are keyed hashes of source and content, the hash over
            them is the input's hash: it changes with any input, and tells nothing without the site's key.
        audit: The audit log's end when the job was sealed: under the root, it proves the log up to there.
    """
    return {
        "schema": MANIFEST_SCHEMA,
        "job": header.job,
        "header": asdict(header),
        "input_sha256": sha256(b"".join(records[shard] for shard in sorted(records))).hexdigest(),
        "counts": asdict(counts),
        "run": asdict(facts),
        "audit": asdict(audit),
        "images_per_second": round(facts.images / facts.wall_s, 3) if facts.wall_s > 0 else 0.0,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        "platform": f"{sys.platform} {platform.machine()}",
    }
