"""What a model said of labelled images, and what it would have called each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sievert.errors import LabelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.calibration import Calibration

BINARY = 2
"""Classes of a set where the negative class says nothing that the positive one does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A labelled set with a model's word on it; every figure is a function of this.

    Attributes:
        probabilities: Shape [image, class], calibrated, 0 to 1.
        truth: Shape [image], class numbers.
        called: Shape [image], class numbers: the positive one from the threshold on, else the likeliest other.
        likeliest: Shape [image], class numbers: the arg-max.
        decided: Shape [image], whether the confidence in what is called suffices for a decision.
        positive: Number of the class that is looked for.
    """

    probabilities: NDArray[np.float32]
    truth: NDArray[np.int64]
    called: NDArray[np.int64]
    likeliest: NDArray[np.int64]
    decided: NDArray[np.bool_]
    positive: int

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> int:
        """How many the model tells apart."""
        return int(self.probabilities.shape[1])

    @property
    def present(self) -> list[int]:
        """Numbers of the classes that the set holds images of."""
        return [int(number) for number in np.unique(self.truth)]

    @property
    def positives(self) -> NDArray[np.bool_]:
        """Shape [image], whether the image is of the class that is looked for."""
        return np.asarray(self.truth == self.positive)

    @property
    def measurable(self) -> bool:
        """Whether the set has positives and others; figures need both."""
        return bool(self.positives.any() and not self.positives.all())

    def of(self, chosen: NDArray[Any]) -> Judged:
        """The set of some of the images.

        Args:
            chosen: Indices, repeated ones too, or shape [image] of whether.
        """
        names = ("probabilities", "truth", "called", "likeliest", "decided")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def judge(
    probabilities: NDArray[np.float32], truth: NDArray[np.int64], calibration: Calibration, *, positive: int
) -> Judged:
    """Call each image as screening would; see `pipelines.decide.decide`.

    Args:
        probabilities: Shape [image, class], calibrated.
        truth: Shape [image], class numbers.
        calibration: Where the package decides.
        positive: Number of the class that is looked for.

    Raises:
        LabelError: Shapes do not fit, or a class number is none.
    """
    _check(probabilities, truth, positive)
    sure = np.clip(np.ascontiguousarray(probabilities, np.float32), 0, 1)  # softmax in float32 may pass 1 by an ulp
    others = sure.copy()
    others[:, positive] = -1
    is_positive = sure[:, positive] >= calibration.threshold
    confidence = np.where(is_positive, sure[:, positive], 1 - sure[:, positive])
    return Judged(
        probabilities=sure,
        truth=truth.astype(np.int64),
        called=np.where(is_positive, positive, others.argmax(axis=1)),
        likeliest=sure.argmax(axis=1),
        decided=confidence >= calibration.min_confidence,
        positive=positive,
    )


def _check(probabilities: NDArray[np.float32], truth: NDArray[np.int64], positive: int) -> None:
    if probabilities.ndim != 2 or truth.shape != probabilities.shape[:1]:  # noqa: PLR2004 - image and class
        raise LabelError(f"probabilities {probabilities.shape} do not fit labels {truth.shape}")
    classes = probabilities.shape[1]
    if not 0 <= positive < classes or (len(truth) and not 0 <= truth.min() <= truth.max() < classes):
        raise LabelError(f"a label is no class number below {classes}")
