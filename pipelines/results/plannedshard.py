"""Reads a job's shard and holds its rows against the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.shardfile import read_shard
from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from pipelines.results.outfolder import JobHeader, OutFolder
    from pipelines.results.shardfile import ShardFile


def read_planned_shard(out: OutFolder, header: JobHeader, shard: int) -> ShardFile:
    """A committed shard whose rows are those that the plan wants there.

    Raises:
        IntegrityError: The file is missing or damaged, or its rows are others.
    """
    content = read_shard(out.shard(shard))
    if [row.index for row in content.rows] != list(header.shards.indices(shard)):
        raise IntegrityError(f"rows of results/{out.shard(shard).name} were added, removed or moved")
    return content
