"""What pre-training is told, and what is known after each of its epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.training.settings import AugmentSettings, TrainingSettings

_VIEWS = AugmentSettings(rotation_deg=20.0, gamma=0.5)
"""Milder than for photographs: wilder ones (30 degrees, gamma 0.8, crops to 0.3) gave a probe at 28 px no gain."""


class PretrainSettings(BaseModel):
    """All that decides what comes out of pre-training, besides the images and the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="Of weights, order and views.")
    threads: int = Field(default=2, ge=1, description="Of PyTorch in a worker; another number gives other weights.")
    epochs: int = Field(default=100, ge=1, description="Passes over the images.")
    batch_size: int = Field(default=128, ge=2, description="Images an optimiser step, over all workers.")
    learning_rate: float = Field(default=2e-3, gt=0, description="At the peak of a cosine schedule.")
    warm_up: float = Field(default=0.1, ge=0, lt=1, description="Share of the steps in which the rate rises.")
    weight_decay: float = Field(default=1e-4, ge=0, description="Of AdamW; not on biases and norms.")
    temperature: float = Field(
        default=0.2, gt=0, le=1, description="Of the loss; the lower, the more the likest strangers count."
    )
    projection: int = Field(default=64, ge=2, description="Numbers in which two views are compared.")
    crop: float = Field(default=0.5, gt=0, le=1, description="Smallest share of the image that a view shows.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="Of the forward pass; auto: bf16 or fp16 on a GPU, fp32 on a CPU."
    )
    augment: AugmentSettings = Field(default=_VIEWS, description="How far a view may be changed besides.")

    @property
    def supervised(self) -> TrainingSettings:
        """The same seed, threads and rates for the parts that supervised training lends."""
        return TrainingSettings(
            seed=self.seed,
            threads=self.threads,
            learning_rate=self.learning_rate,
            schedule="cosine",
            warm_up=self.warm_up,
        )


@dataclass(frozen=True, slots=True)
class PretrainEpoch:
    """What is known after a pass over the images.

    Attributes:
        number: From 1.
        training_loss: Mean over the pass. Views that say nothing give the logarithm of twice a worker's batch, less 1.
    """

    number: int
    training_loss: float
