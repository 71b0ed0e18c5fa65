"""What training is told, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Pictures or volumes of the size that the network reads, not yet normalised.

    Attributes:
        images: Shape [image, channel, row, column] or [image, channel, slice, row, column].
        labels: Shape [image], class numbers.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AugmentSettings(_Settings):
    """How far a training image may be changed each time it is shown; 0 leaves it as it is."""

    rotation_deg: float = Field(default=12.0, ge=0, le=180, description="Largest rotation either way, in the plane.")
    scale: float = Field(default=0.15, ge=0, lt=1, description="Largest relative change of size.")
    aspect: float = Field(default=0.0, ge=0, lt=1, description="Largest relative change of height against width.")
    shear: float = Field(default=0.0, ge=0, lt=1, description="Largest shear, relative to the side.")
    shift: float = Field(default=0.1, ge=0, lt=1, description="Largest shift, relative to the side.")
    gamma: float = Field(default=0.4, ge=0, description="Largest change of the logarithm of gamma.")
    sharpness: float = Field(default=0.0, ge=0, le=1, description="Largest share of blurring or sharpening.")
    noise: float = Field(default=0.02, ge=0, description="Largest deviation of added noise, of the full range.")
    flip: bool = Field(default=True, description="Mirror half of the images left to right.")
    equalised_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description=(
            "Share of the images shown with equalised contrast, for networks that learn from thumbnails and will "
            "read full-size pictures, which the recipe equalises; grey pictures only."
        ),
    )


class TrainingSettings(_Settings):
    """All that decides what comes out of training, besides the data and the network."""

    seed: int = Field(default=0, ge=0, description="Of weights, order and augmentation.")
    threads: int = Field(default=2, ge=1, description="Of PyTorch in a worker; another number gives other weights.")
    epochs: int = Field(default=20, ge=1, description="Passes over the training split.")
    batch_size: int = Field(default=32, ge=2, description="Images an optimiser step, over all workers.")
    accumulate: int = Field(default=1, ge=1, description="Parts that a worker's share of a batch is computed in.")
    learning_rate: float = Field(default=3e-3, gt=0, description="At the peak of the schedule.")
    schedule: Literal["one-cycle", "cosine"] = Field(
        default="one-cycle", description="Of the learning rate; both end near 0."
    )
    warm_up: float = Field(default=0.2, ge=0, lt=1, description="Share of the steps in which the rate rises.")
    weight_decay: float = Field(default=0.05, ge=0, description="Of AdamW; not on biases and norms.")
    clip_norm: float = Field(default=0.0, ge=0, description="Largest norm of the gradient; 0: any.")
    loss: Literal["cross-entropy", "focal"] = Field(default="cross-entropy", description="What is made small.")
    focal_gamma: float = Field(default=2.0, ge=0, description="Of the focal loss: how much easy images count less.")
    class_weighting: float = Field(
        default=0.0, ge=0, le=1, description="0: each image counts the same; 1: each class does; between: a power."
    )
    label_smoothing: float = Field(default=0.05, ge=0, lt=1, description="Share of the target given to all classes.")
    mixup: float = Field(default=0.0, ge=0, description="Beta parameter of mixing two images; 0: none.")
    cutmix: float = Field(
        default=0.0, ge=0, description="Beta parameter of pasting one image into another; with mixup, in turn."
    )
    teacher_share: float = Field(
        default=0.7, ge=0, le=1, description="Share of the target that teachers give, where there are any (--teacher)."
    )
    ema_decay: float = Field(default=0.995, ge=0, lt=1, description="Share of the averaged weights kept at each step.")
    keep: Literal["best", "last"] = Field(
        default="best", description="The epoch whose averaged weights have the lowest validation loss, or the last one."
    )
    refit: bool = Field(
        default=False,
        description="When all is chosen, learn once more, from the training and the validation split together.",
    )
    patience: int = Field(default=0, ge=0, description="Stop after so many epochs without a better one; 0: never.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="Of the forward pass; auto: bf16 or fp16 on a GPU, fp32 on a CPU."
    )
    freeze: int = Field(default=0, ge=0, description="Stages of the network, from the input up, that learn nothing.")
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="Factor on the learning rate for each stage further from the head."
    )
    augment: AugmentSettings = AugmentSettings()


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known after a pass over the training split.

    Attributes:
        number: From 1.
        training_loss: Mean over the pass, on augmented and mixed images.
        validation_loss: Mean cross-entropy of the averaged weights on the validation split; selection goes by it.
        validation_accuracy: Share of that split whose largest logit is right.
        best: Whether the loss is the lowest so far.
    """

    number: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    best: bool
