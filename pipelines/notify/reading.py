"""Opens what has to be judged or told, and keeps a little of it for the length of a pass."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from pipelines.results.opening import OpenedRow, OpenedShard, open_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Container

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import JobHeader, OutFolder
    from sievert.records import Outcome

_KEPT_SHARDS = 8


class RecordReader:
    """Opens records of one job; may be asked by several threads.

    Args:
        out: The job.
        keys: The key store that opens it.
        header: The job's.
    """

    def __init__(self, out: OutFolder, keys: KeyStore, header: JobHeader) -> None:
        self._out, self._keys, self._header = out, keys, header
        self._kept: OrderedDict[int, dict[int, OpenedRow]] = OrderedDict()
        self._turn = threading.Lock()

    def begin_pass(self) -> None:
        """Forget what is kept: a patient may be erased between two passes."""
        with self._turn:
            self._kept.clear()

    def open_shard(self, shard: int, outcomes: Container[Outcome | str]) -> OpenedShard:
        """All records of a shard with one of these outcomes.

        Raises:
            SievertError: See `open_rows`.
        """
        with self._turn:
            return open_rows(self._out, self._keys, self._header, shard, wanted=lambda row: row.outcome in outcomes)

    def keep(self, shard: int, rows: Collection[OpenedRow]) -> None:
        """Keep some of what was opened, as it will be told soon."""
        with self._turn:
            self._keep(shard, {row.index: row for row in rows})

    def rows(self, shard: int, places: Collection[int]) -> tuple[dict[int, OpenedRow], frozenset[int]]:
        """Records of a shard by their places, and which of its rows are of erased patients.

        Raises:
            SievertError: See `open_rows`.
        """
        with self._turn:
            kept = self._kept.get(shard, {})
            if kept.keys() >= set(places):
                return {place: kept[place] for place in places}, frozenset()
            found = open_rows(self._out, self._keys, self._header, shard, wanted=lambda row: row.index in places)
            opened = {row.index: row for row in found.rows}
            self._keep(shard, {**kept, **opened})
            return opened, found.erased

    def _keep(self, shard: int, rows: dict[int, OpenedRow]) -> None:
        self._kept[shard] = rows
        self._kept.move_to_end(shard)
        while len(self._kept) > _KEPT_SHARDS:
            self._kept.popitem(last=False)
