"""ROC and precision-recall figures of many resamples at once, from how often each image was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """What lies at or above each distinct score, from the highest down, in each resample.

    Attributes:
        hits: Shape [resample, score], positives.
        alarms: Shape [resample, score], negatives.
    """

    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]

    @property
    def positives(self) -> NDArray[np.float64]:
        """Shape [resample]."""
        return self.hits[:, -1]

    @property
    def negatives(self) -> NDArray[np.float64]:
        """Shape [resample]."""
        return self.alarms[:, -1]

    def auroc(self) -> NDArray[np.float64]:
        """Area under the ROC curve, ties counted half. Shape [resample]."""
        steps = np.diff(self.alarms, prepend=0)
        heights = self.hits - np.diff(self.hits, prepend=0) / 2
        return np.asarray((steps * heights).sum(axis=1) / (self.positives * self.negatives))

    def auprc(self) -> NDArray[np.float64]:
        """Average precision: the sum of precision times gained recall, without interpolation. Shape [resample]."""
        called = np.maximum(self.hits + self.alarms, 1)
        gained = np.diff(self.hits, prepend=0)
        return np.asarray((gained * self.hits / called).sum(axis=1) / self.positives)

    def sensitivity_at(self, specificity: float) -> NDArray[np.float64]:
        """The largest sensitivity with at least that specificity. Shape [resample]."""
        allowed = self.alarms <= ((1 - specificity) * self.negatives + _ROUNDING)[:, None]
        return np.asarray(np.where(allowed, self.hits, 0).max(axis=1) / self.positives)

    def specificity_at(self, sensitivity: float) -> NDArray[np.float64]:
        """The largest specificity with at least that sensitivity. Shape [resample]."""
        enough = self.hits >= (sensitivity * self.positives - _ROUNDING)[:, None]
        fewest = np.where(enough, self.alarms, np.inf).min(axis=1)
        return np.asarray(1 - fewest / self.negatives)


def trace(scores: NDArray[np.float32], positives: NDArray[np.bool_], counts: NDArray[np.int64]) -> Curves:
    """Sum up from the highest score down.

    Args:
        scores: Shape [image].
        positives: Shape [image].
        counts: Shape [resample, image], how often each image was drawn; positives and negatives in each resample.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    drawn = counts[:, order]
    hits = np.cumsum(drawn * positives[order], axis=1)[:, ends]
    everything = np.cumsum(drawn, axis=1)[:, ends]
    return Curves(hits.astype(np.float64), cast("NDArray[np.float64]", (everything - hits).astype(np.float64)))
