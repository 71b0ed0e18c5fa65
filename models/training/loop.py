"""The training loop: one seed, one set of weights."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from models.networks.compact import CompactNet
from models.training.augment import augment, equalise_contrast, normalise
from models.training.settings import Epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.training.settings import LabelledSet, TrainingSettings


def fit_network(
    train: LabelledSet,
    validation: LabelledSet,
    settings: TrainingSettings,
    *,
    classes: int,
    on_epoch: Callable[[Epoch], None],
) -> tuple[CompactNet, list[Epoch]]:
    """Train from nothing and keep the epoch whose averaged weights do best on the validation split.

    Same seed, threads, data and versions give the same weights, bit by bit, on one kind of CPU.

    Args:
        train: What is learnt from.
        validation: What the choice of the epoch goes by.
        settings: Everything else.
        classes: Classes to tell apart.
        on_epoch: Called after each epoch.

    Returns:
        The network, in evaluation mode, and what was seen at each epoch.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019; Smith and Topin,
    "Super-convergence", 2018; Polyak and Juditsky, "Acceleration of stochastic approximation by averaging",
    1992.
    """
    _make_deterministic(settings)
    training = _Training(train, validation, settings, classes=classes)
    epochs: list[Epoch] = []
    for number in range(1, settings.epochs + 1):
        epochs.append(training.run_epoch(number))
        on_epoch(epochs[-1])
    return training.best, epochs


class _Training:
    """What lives from epoch to epoch."""

    def __init__(
        self, train: LabelledSet, validation: LabelledSet, settings: TrainingSettings, *, classes: int
    ) -> None:
        self.settings = settings
        self.draw = torch.Generator().manual_seed(settings.seed)
        self.plain, self.equalised = _both_contrasts(train)
        self.labels = torch.from_numpy(train.labels)
        held_out = normalise(torch.cat(_both_contrasts(validation)))
        self.held_out = held_out.to(memory_format=torch.channels_last)
        self.held_out_labels = torch.from_numpy(validation.labels).repeat(2)
        self.network = _channels_last(CompactNet(classes=classes))
        average = _moving_average(settings.ema_decay)
        self.averaged = AveragedModel(self.network, avg_fn=average, use_buffers=True)
        self.optimiser, self.schedule = _make_optimiser(self.network, settings, images=len(train))
        self.best = self._average()
        self.lowest = float("inf")

    def run_epoch(self, number: int) -> Epoch:
        training_loss = self._learn()
        validation_loss = _mean_loss(self.averaged, self.held_out, self.held_out_labels)
        best = validation_loss < self.lowest
        if best:
            self.lowest = validation_loss
            self.best = self._average()
        return Epoch(number, training_loss, validation_loss, best)

    def _average(self) -> CompactNet:
        return cast("CompactNet", copy.deepcopy(self.averaged.module).eval())

    def _learn(self) -> float:
        self.network.train()
        losses = [self._step(chosen) for chosen in self._batches()]
        return sum(losses) / len(losses)

    def _batches(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.labels), generator=self.draw)
        size = self.settings.batch_size
        # Whole batches only: batch normalisation over a handful of images would shake the averages.
        whole = max(len(order) // size, 1)
        return iter(torch.split(order, size)[:whole])

    def _step(self, chosen: Tensor) -> float:
        images = augment(self.plain[chosen], self.equalised[chosen], self.settings, self.draw)
        logits, _ = self.network(images.to(memory_format=torch.channels_last))
        smoothing = self.settings.label_smoothing
        loss = functional.cross_entropy(logits, self.labels[chosen], label_smoothing=smoothing)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        self.optimiser.step()
        self.schedule.step()
        self.averaged.update_parameters(self.network)
        return loss.item()


def _make_deterministic(settings: TrainingSettings) -> None:
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(mode=True)
    # Filling fresh memory guards against kernels that read what they never wrote; it takes a third of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # a property of the module


def _channels_last(network: CompactNet) -> CompactNet:
    # A third faster on a CPU; torch's stubs forget the keyword.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential average that forgets the first steps, when weights still say little, faster."""

    def average(kept: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        if not kept.is_floating_point():  # counters of batch normalisation
            return new
        share = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return kept.lerp(new, 1 - share)

    return average


def _both_contrasts(labelled: LabelledSet) -> tuple[Tensor, Tensor]:
    """Shapes [image, 1, row, column], 0 to 1: the images as they are and with equalised contrast."""
    equalised = equalise_contrast(labelled.images)
    plain, other = (torch.from_numpy(images).float()[:, None] / 255 for images in (labelled.images, equalised))
    return plain, other


def _make_optimiser(
    network: nn.Module, settings: TrainingSettings, *, images: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    # Biases, scales and norms have one dimension: decaying them only fights the normalisation.
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate)
    steps = max(images // settings.batch_size, 1) * settings.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.learning_rate, total_steps=steps, pct_start=0.2
    )
    return optimiser, schedule


@torch.no_grad()
def _mean_loss(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network.eval()
    losses = [
        functional.cross_entropy(network(part)[0], truth, reduction="sum").item()
        for part, truth in zip(torch.split(images, 256), torch.split(labels, 256), strict=True)
    ]
    return sum(losses) / len(labels)
