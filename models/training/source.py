"""Where training gets its images from: a tensor that stays on the device, or a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training.augment import augment, blend, equalise_contrast, normalise
from models.training.workers import seed_for
from sievert.errors import NetworkInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.networks.spec import NetworkSpec
    from models.training.settings import AugmentSettings, LabelledSet, TrainingSettings
    from models.training.workers import Workers


_FITTING = "Make --size and --channels fit the images."


class Source(Protocol):
    """What the loop asks for."""

    counts: Tensor
    """Shape [class], images of each class over all workers."""
    steps: int
    """Optimiser steps a pass."""

    def batches(self, epoch: int, draw: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """This worker's share of each batch, augmented: images, and targets [image, class] as shares."""


class ResidentSource:
    """The whole set on the device; an epoch costs an index and the augmentation.

    Args:
        labelled: What is learnt from.
        settings: Order, batch size and augmentation.
        classes: Classes to tell apart.
        workers: Who shares each batch.
        device: Where the images lie.

    Raises:
        NetworkInputError: A batch has fewer images than there are workers.
    """

    def __init__(
        self, labelled: LabelledSet, settings: TrainingSettings, *, classes: int, workers: Workers, device: torch.device
    ) -> None:
        self._settings, self._workers, self._device = settings, workers, device
        self._images = torch.from_numpy(labelled.images).to(device)
        self._targets = functional.one_hot(torch.from_numpy(labelled.labels).to(device), classes).float()
        self._equalised = equalised(labelled, settings.augment, device)
        self.counts = self._targets.sum(dim=0)
        least = min(len(labelled), settings.batch_size)
        if least < workers.count:
            raise NetworkInputError(
                f"a batch of {least} images cannot be shared by {workers.count} workers",
                remedy="Raise --batch-size or lower --workers.",
            )
        # Whole batches only: batch normalisation over a handful of images would shake the averages.
        self.steps = max(len(labelled) // settings.batch_size, 1)

    def batches(self, epoch: int, draw: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Source`; the order follows the seed and the epoch alone, so any number of workers sees the same."""
        order = np.random.default_rng(seed_for(self._settings.seed, epoch)).permutation(len(self._images))
        parts = torch.split(torch.from_numpy(order).to(self._device), self._settings.batch_size)
        for chosen in map(self._workers.share, parts[: self.steps]):
            images = to_unit(self._images[chosen])
            if self._equalised is not None:
                share = self._settings.augment.equalised_share
                images = blend(images, to_unit(self._equalised[chosen]), share, draw)
            yield augment(images, self._settings.augment, draw), self._targets[chosen]


def check_images(labelled: LabelledSet, spec: NetworkSpec) -> None:
    """Refuse images that a network does not read.

    Raises:
        NetworkInputError: Their channels, rank or size are others than the spec's.
    """
    found, wanted = labelled.images.shape[1:], (spec.channels, *spec.shape)
    if found != wanted:
        given, read = (f"{one[0]} channels of {' x '.join(map(str, one[1:]))} px" for one in (found, wanted))
        raise NetworkInputError(f"the images have {given}, the network reads {read}", remedy=_FITTING)


def equalised(labelled: LabelledSet, settings: AugmentSettings, device: torch.device) -> Tensor | None:
    """The images with equalised contrast, uint8, or None where none will be shown.

    Raises:
        NetworkInputError: They are to be shown, but the images are no grey pictures.
    """
    if settings.equalised_share == 0:
        return None
    if labelled.images.ndim != 4 or labelled.images.shape[1] != 1:  # noqa: PLR2004 - image, channel, row, column
        raise NetworkInputError(
            "contrast can be equalised in grey pictures only", remedy="Leave augment.equalised_share at 0."
        )
    return torch.from_numpy(equalise_contrast(labelled.images[:, 0])[:, None]).to(device)


def to_unit(images: Tensor) -> Tensor:
    """From uint8 to float, 0 to 1."""
    return images.float() / 255


def held_out(labelled: LabelledSet, settings: AugmentSettings, device: torch.device) -> tuple[Tensor, Tensor]:
    """The validation split as the network will see it: images, z-scored, and class numbers.

    Where training shows equalised contrast, each image counts twice, as it is and equalised.
    """
    images, labels = torch.from_numpy(labelled.images).to(device), torch.from_numpy(labelled.labels).to(device)
    also = equalised(labelled, settings, device)
    if also is not None:
        images, labels = torch.cat([images, also]), labels.repeat(2)
    return normalise(to_unit(images)), labels
