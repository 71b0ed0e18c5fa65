"""All inputs of a job in one order, each once, without holding them: 10⁷ rows of a manifest pass by, batch by batch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.cohort.declared import Declared
from sievert.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

SCHEMA = pa.schema(
    [("source", pa.binary()), ("patient", pa.string()), ("modality", pa.string()), ("body_part", pa.string())]
)
"""A source is UTF-8, lone surrogates as they are: names of files are bytes."""

_BATCH_ROWS = 65_536
_ERRORS = "surrogatepass"


@dataclass(frozen=True, slots=True)
class Part:
    """Inputs that one word of the user stands for.

    Attributes:
        number: Of that word, from 1.
        read: Gives them, as often as it is called, in tables of `SCHEMA`.
    """

    number: int
    read: Callable[[], Iterable[pa.Table]]


class Cohort:
    """Inputs in the order in which they were named.

    Args:
        parts: Where they come from. They are read twice now, and again with each pass.

    Raises:
        ManifestError: A source is declared in two ways, or a manifest cannot be read.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        hashes = hash_sources(table for _, table in self._read())
        self._rows = len(hashes)
        self._dropped, self._replaced = self._settle(_repeated(hashes))

    @classmethod
    def of(cls, inputs: Iterable[Declared]) -> Cohort:
        """A cohort of inputs that are at hand."""
        return cls([Part(1, held(inputs))])

    def __len__(self) -> int:
        return self._rows - len(self._dropped)

    def __iter__(self) -> Iterator[Declared]:
        return (one for table in self.tables() for one in from_table(table))

    def tables(self) -> Iterator[pa.Table]:
        """Everything, in tables of `SCHEMA`.

        Raises:
            ManifestError: A manifest is not what it was.
        """
        start = 0
        for _, table in self._read():
            yield self._kept(table, start)
            start += len(table)
        if start != self._rows:
            raise ManifestError("a manifest changed while it was being read")

    def hashes(self) -> NDArray[np.uint64]:
        """A hash of each source, for comparing large sets of them."""
        return hash_sources(self.tables())

    def _read(self) -> Iterator[tuple[int, pa.Table]]:
        return ((part.number, table) for part in self._parts for table in part.read())

    def _settle(self, repeated: NDArray[np.uint64]) -> tuple[NDArray[np.int64], dict[int, Declared]]:
        """Which rows name a source again, and what first ones gain from later ones."""
        if not len(repeated):
            return np.empty(0, np.int64), {}
        first: dict[str, tuple[int, Declared]] = {}
        dropped: list[int] = []
        for row, number, item in self._suspects(repeated):
            place, before = first.get(item.source, (row, None))
            first[item.source] = (place, _agreed(before, item, number))
            dropped += [row] if before is not None else []
        return np.array(dropped, np.int64), dict(first.values())

    def _suspects(self, repeated: NDArray[np.uint64]) -> Iterator[tuple[int, int, Declared]]:
        start = 0
        for number, table in self._read():
            rows = np.flatnonzero(np.isin(_hashes(table), repeated))
            yield from zip((rows + start).tolist(), [number] * len(rows), from_table(table.take(rows)), strict=True)
            start += len(table)

    def _kept(self, table: pa.Table, start: int) -> pa.Table:
        """A table without its repeated rows, and with what was declared of them elsewhere."""
        if not self._replaced:
            return table
        rows = np.arange(start, start + len(table))
        kept = rows[np.isin(rows, self._dropped, assume_unique=True, invert=True)]
        changed = {int(row): self._replaced[row] for row in kept.tolist() if row in self._replaced}
        if not changed and len(kept) == len(table):
            return table
        items = from_table(table)
        return to_table(changed.get(row) or items[row - start] for row in kept.tolist())


def held(inputs: Iterable[Declared]) -> Callable[[], list[pa.Table]]:
    """Inputs at hand as what a part reads; they are packed at once, at a sixth of the memory."""
    rest = iter(inputs)
    tables = [to_table(chain([one], islice(rest, _BATCH_ROWS - 1))) for one in rest]
    return lambda: tables


def to_table(inputs: Iterable[Declared]) -> pa.Table:
    """Inputs as a table of `SCHEMA`."""
    columns: dict[int, list[str | None]] = defaultdict(list)
    for one in inputs:
        for column, value in enumerate(astuple(one)):
            columns[column].append(value)
    sources = [(source or "").encode("utf-8", _ERRORS) for source in columns[0]]
    return pa.table(
        [pa.array(sources, pa.binary()), *(pa.array(columns[n], pa.string()) for n in (1, 2, 3))], schema=SCHEMA
    )


def from_table(table: pa.Table) -> list[Declared]:
    """A table of `SCHEMA` as inputs."""
    columns = [column.to_pylist() for column in table.columns]
    return [Declared(source.decode("utf-8", _ERRORS), *rest) for source, *rest in zip(*columns, strict=True)]


def hash_sources(tables: Iterable[pa.Table]) -> NDArray[np.uint64]:
    """A hash of each source of all tables."""
    return np.concatenate([np.empty(0, np.uint64), *map(_hashes, tables)])


def _hashes(table: pa.Table) -> NDArray[np.uint64]:
    """SipHash in 64 bits: of 10⁷ sources, two that differ share one with a chance of 10⁻⁶; then they are compared."""
    from pandas.util import hash_array  # workers, which read plans alone, do without pandas

    return np.asarray(hash_array(table.column("source").to_numpy(), categorize=False), np.uint64)


def _repeated(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _agreed(before: Declared | None, item: Declared, number: int) -> Declared:
    """One source, named twice: what is declared of it stays, and must be one thing."""
    bare = Declared(item.source)
    if before is None or before in (bare, item):
        return item
    if item == bare:
        return before
    raise ManifestError(f"input {number} declares a source otherwise than an input or a row before it")
