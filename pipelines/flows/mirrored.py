"""Screens shards of a job that is kept in a bucket: commits here, then there, where one attempt alone wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.flows.shard import ShardScreener
from pipelines.results.keystore import KeyStore
from pipelines.results.mirror import open_mirror
from pipelines.results.outfolder import OutFolder
from pipelines.results.shardfile import read_footer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.flows.task import Screens, ScreenTask
    from sievert.records import ShardCounts


class MirroredScreener:
    """A screener of shards whose files others see in the bucket.

    Args:
        task: The job; its `bucket` is set.
        make: Makes the screener that works on the folder.

    Raises:
        StorageError: And its kinds: the plan could not be fetched.
        IntegrityError: The bucket holds another job, or another plan.
    """

    def __init__(self, task: ScreenTask, make: Callable[[ScreenTask], Screens] = ShardScreener) -> None:
        self._mirror, self._out = open_mirror(task.bucket, task.out.parent), OutFolder(task.out)
        self._mirror.adopt(task.job)
        self._job, self._keys, self._inner = task.job, KeyStore(task.keys), make(task)

    def screen(self, shard: int) -> ShardCounts:
        """Screen a shard and commit its file, unless another attempt has; returns what the committed file holds.

        Raises:
            StorageError: And its kinds.
        """
        file = self._out.shard(shard)
        there = self._mirror.fetch(file)
        counts = self._inner.screen(shard)
        if there or self._mirror.create(file):
            return counts
        return self._yield_to_other(shard)

    def _yield_to_other(self, shard: int) -> ShardCounts:
        """The bucket has a file of this shard: where it is another attempt's, ours goes, and its keys."""
        file = self._out.shard(shard)
        ours = read_footer(file).attempt
        self._mirror.fetch(file)
        if read_footer(file).attempt != ours:
            self._keys.drop_keys(self._job, shard=shard, attempt=ours)
        return self._inner.screen(shard)
