"""What training is told, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Pictures of the size that the network reads, not yet normalised.

    Attributes:
        images: Shape [image, row, column].
        labels: Shape [image], class numbers.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


class TrainingSettings(BaseModel):
    """All that decides what comes out of training, besides the data.

    Attributes:
        seed: Of weights, order and augmentation.
        threads: Of PyTorch; sums are split by it, so other threads give other weights.
        epochs: Passes over the training split.
        batch_size: Images a step.
        learning_rate: At the peak of the one-cycle schedule.
        weight_decay: Of AdamW.
        label_smoothing: Share of the target given to the other classes, 0 to 1.
        ema_decay: Share of the averaged weights kept at each step, 0 to 1.
        equalised_share: Share of the images shown with equalised contrast, 0 to 1.
        rotation_deg: Largest rotation either way.
        scale: Largest relative change of size.
        shift: Largest shift, relative to the side.
        gamma: Largest change of the logarithm of gamma.
        noise: Largest standard deviation of added noise, relative to the full range.
        flip: Whether half of the images are mirrored left to right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0)
    threads: int = Field(default=2, ge=1)
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    ema_decay: float = Field(default=0.995, ge=0, lt=1)
    equalised_share: float = Field(default=0.5, ge=0, le=1)
    rotation_deg: float = Field(default=12.0, ge=0)
    scale: float = Field(default=0.15, ge=0, lt=1)
    shift: float = Field(default=0.1, ge=0, lt=1)
    gamma: float = Field(default=0.4, ge=0)
    noise: float = Field(default=0.02, ge=0)
    flip: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known after a pass over the training split.

    Attributes:
        number: From 1.
        training_loss: Mean over the pass, with label smoothing, on augmented images.
        validation_loss: Mean cross-entropy of the averaged weights on the validation split; selection goes
            by it.
        best: Whether that is the lowest so far.
    """

    number: int
    training_loss: float
    validation_loss: float
    best: bool
