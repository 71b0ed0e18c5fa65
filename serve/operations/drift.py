"""How far the last studies are from those that a model met first at this site.

Population stability index: the sum over bins of (p - q) ln(p / q), p the window's share of a bin and q the baseline's
(Siddiqi, Credit Risk Scorecards, 2006, where above 0.1 is some shift and above 0.25 a large one). The bins are the
baseline's tenths. A model package holds no distribution of what it was trained on, so the baseline is the first
`serve.telemetry.drift_baseline` studies of that package, kept in `serve.state` as bins and shares, nothing of a study:
it outlives runs and replicas, and removing the file starts it anew.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from serve.access.statefolder import Watched, open_state, shared_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

BASELINE_SCHEMA = "sievert.drift/1"
COMPARED = ("probability", "brightness", "size_px")
FEWEST = 100
"""Studies in the window below which no index is told: chance alone would move it."""
_BINS, _LEAST = 10, 1e-4


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution.

    Attributes:
        edges: Between its bins, ascending; below the first and above the last is a bin too.
        shares: Of each bin; they add up to 1.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]


def spread_of(values: Iterable[float]) -> Spread:
    """The distribution of a baseline in its tenths; a value that many have gets a bin to itself."""
    found = np.fromiter(values, np.float64)
    tenths = np.quantile(found, np.arange(1, _BINS) / _BINS)
    often = tenths[:-1][np.diff(tenths) == 0]
    edges = np.unique(np.concatenate([tenths, np.nextafter(often, np.inf)]))
    return Spread(tuple(edges.tolist()), tuple(_shares(found, edges).tolist()))


def stability_index(baseline: Spread, values: Iterable[float]) -> float:
    """How far values are from a baseline, from 0 on."""
    now = np.maximum(_shares(np.fromiter(values, np.float64), np.asarray(baseline.edges)), _LEAST)
    then = np.maximum(np.asarray(baseline.shares), _LEAST)
    return float(((now - then) * np.log(now / then)).sum())


class DriftWatch:
    """Remembers the last studies of one replica and compares them.

    Args:
        state: The service's state folder.
        digest: Of the model package: another one has another baseline.
        first: Studies that make the baseline.
        window: Studies that are compared with it.
        tell: Is told the index by what was compared, and how many studies that were.
    """

    def __init__(
        self,
        state: Path,
        *,
        digest: str,
        first: int,
        window: int,
        tell: Callable[[Mapping[str, float], int], None],
    ) -> None:
        self._file, self._first, self._tell = state / f"drift-{digest[:16]}.json", first, tell
        self._window: deque[tuple[float, ...]] = deque(maxlen=window)
        self._begun: list[tuple[float, ...]] = []
        self._kept = Watched[dict[str, Spread] | None](self._file, _decoded, absent=None)
        self._seen = self._told = 0

    def add(self, values: Mapping[str, float]) -> None:
        """A study was screened; costs next to nothing."""
        row = tuple(values.get(name, float("nan")) for name in COMPARED)
        self._window.append(row)
        if len(self._begun) < self._first:
            self._begun.append(row)
        self._seen += 1

    def compare(self) -> None:
        """Compare, if there was a study since; belongs beside the requests, not into one.

        Raises:
            ServeError: The baseline's file is damaged, or open to others.
            StorageError: And its kinds.
        """
        if self._seen == self._told:
            return
        self._told, recent = self._seen, np.asarray(self._window)
        baseline = self._kept.value() or self._begin()
        enough = baseline is not None and len(recent) >= FEWEST
        indices = {name: _index(baseline, name, recent[:, at]) for at, name in enumerate(COMPARED)} if enough else {}
        self._tell(indices, len(recent))

    def _begin(self) -> dict[str, Spread] | None:
        """Make the baseline, once there are enough; where another replica was first, its own holds."""
        if len(self._begun) < self._first:
            return None
        rows = np.asarray(self._begun)
        made = {name: spread_of(_finite(rows[:, at])) for at, name in enumerate(COMPARED) if _finite(rows[:, at]).size}
        told = {"schema": BASELINE_SCHEMA, "of": {name: asdict(spread) for name, spread in made.items()}}
        open_state(self._file.parent)
        return _decoded(shared_secret(self._file, lambda: json.dumps(told).encode()))


def _index(baseline: dict[str, Spread] | None, name: str, values: NDArray[np.float64]) -> float:
    found = _finite(values)
    return stability_index(baseline[name], found) if baseline and name in baseline and found.size else 0.0


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, values, "right"), minlength=len(edges) + 1)
    return counts / max(1, len(values))


def _decoded(content: bytes) -> dict[str, Spread]:
    told = json.loads(content)
    if told["schema"] != BASELINE_SCHEMA:
        raise ValueError("another version")
    return {name: Spread(tuple(one["edges"]), tuple(one["shares"])) for name, one in told["of"].items()}
