"""The quarantine: one table of everything that was refused, with reason and explanation, gathered from the shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.results.disk import disk_errors, sync_file, sync_folder
from sievert.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipelines.results.outfolder import OutFolder

COLUMNS = ("index", "record", "reason", "explanation")


def write_quarantine(out: OutFolder, shards: Iterable[int]) -> None:
    """Write quarantine.parquet; a shard's rows are in memory at a time.

    Raises:
        StorageError: And its kinds.
    """
    draft = out.work / out.quarantine.name
    with disk_errors("the quarantine could not be written"):
        try:
            _gather(out, shards, draft)
            sync_file(draft)
            draft.replace(out.quarantine)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(out.path)


def _gather(out: OutFolder, shards: Iterable[int], draft: Path) -> None:
    schema = pa.schema([("index", pa.int64()), *((name, pa.string()) for name in COLUMNS[1:])])
    with pq.ParquetWriter(draft, schema) as writer:
        for shard in shards:
            table = pq.read_table(out.shard(shard), columns=[*COLUMNS, "outcome"])
            refused = table.filter(pc.equal(table["outcome"], Outcome.QUARANTINED.value)).select(list(COLUMNS))
            if refused.num_rows:
                writer.write_table(refused.cast(schema).replace_schema_metadata(None))
