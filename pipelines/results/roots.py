"""`roots.bin`: the root of each whole shard, 32 bytes each, in order.

With it a record is proven from its own shard and these few bytes (3 MB for 10⁸ records), not from all results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.leaves import file_leaf, row_leaf
from pipelines.results.paths import Piece
from pipelines.results.plannedshard import read_planned_shard
from pipelines.results.tree import HASH_BYTES
from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelines.cohort.plan import Shards
    from pipelines.results.inventory import ListedFile
    from pipelines.results.outfolder import JobHeader, OutFolder


def encode_roots(roots: Mapping[int, Sequence[bytes]], shards: Shards) -> bytes:
    """The file's bytes.

    Args:
        roots: By shard, its root alone where it is whole.
        shards: The job's.
    """
    return b"".join(roots[shard][0] for shard in range(shards.whole))


def job_pieces(out: OutFolder, header: JobHeader, files: Sequence[ListedFile], *, opened: int) -> list[Piece]:
    """All of a job's tree, whole shards as their roots but for one that is opened into its leaves.

    Args:
        out: The out folder of a finished job.
        header: Its header.
        files: Those under the root, sorted by name.
        opened: Number of the shard of which each leaf is wanted.

    Raises:
        IntegrityError: `roots.bin`, the shard or the short last one is missing or damaged.
    """
    pieces = list(_record_pieces(out, header, opened))
    named = [file_leaf(name=file.name, digest=file.sha256) for file in files]
    return pieces + [Piece(header.planned + place, 0, leaf) for place, leaf in enumerate(named)]


def _record_pieces(out: OutFolder, header: JobHeader, opened: int) -> Iterator[Piece]:
    shards, roots = header.shards, _read_roots(out, header.shards)
    level = shards.size.bit_length() - 1
    for shard in range(shards.count):
        if shard < len(roots) and shard != opened:
            yield Piece(shard * shards.size, level, roots[shard])
        else:
            yield from _leaves(out, header, shard)


def _leaves(out: OutFolder, header: JobHeader, shard: int) -> Iterator[Piece]:
    for row in read_planned_shard(out, header, shard).rows:
        yield Piece(row.index, 0, row_leaf(header.job, row.index, row))


def _read_roots(out: OutFolder, shards: Shards) -> list[bytes]:
    try:
        content = out.roots.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{out.roots.name} is missing or cannot be read") from error
    if len(content) != shards.whole * HASH_BYTES:
        raise IntegrityError(f"{out.roots.name} is damaged: it has not one root a whole shard")
    return [content[place : place + HASH_BYTES] for place in range(0, len(content), HASH_BYTES)]
