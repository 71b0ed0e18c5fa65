"""The pre-training loop: one seed, one set of weights, whether it was interrupted or not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from models.networks.registry import build_network
from models.pretraining.contrast import ContrastiveNetwork, compare_views
from models.pretraining.settings import PretrainEpoch
from models.pretraining.views import ViewSource
from models.training.loop import make_deterministic
from models.training.optimiser import make_schedule
from models.training.precision import Precision
from models.training.stepper import laid_out
from models.training.workers import Workers, pick_device, seed_for
from sievert.errors import DivergedError, MemoryExhaustedError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.networks.spec import NetworkSpec
    from models.pretraining.settings import PretrainSettings
    from models.training.settings import LabelledSet


def pretrain_body(
    pictures: LabelledSet,
    spec: NetworkSpec,
    settings: PretrainSettings,
    *,
    on_epoch: Callable[[PretrainEpoch], None],
) -> tuple[dict[str, Tensor], list[PretrainEpoch]]:
    """Pre-train in this process, from first to last epoch.

    Same seed, threads, images and versions give the same weights, bit by bit, on one kind of CPU.

    Args:
        pictures: What is learnt from; its labels are not looked at.
        spec: The network.
        settings: Everything else.
        on_epoch: Called after each epoch.

    Returns:
        The body's tensors, named as in a `Classifier`, and what was seen at each epoch.

    Raises:
        TrainingError: There are too few images.
        DivergedError: The loss is not finite.
        MemoryExhaustedError: A batch does not fit.
        NetworkInputError: Network and images do not fit each other.
    """
    pretraining = Pretraining(pictures, spec, settings)
    while not pretraining.finished:
        on_epoch(pretraining.run_epoch())
    return pretraining.body_weights(), pretraining.epochs


class Pretraining:
    """One pre-training, between any two of its epochs.

    Several workers average their gradients; each compares the views of its own share of a batch only, so more workers
    mean fewer strangers a view.

    Args:
        pictures: What is learnt from; its labels are not looked at.
        spec: The network.
        settings: Everything else.

    Attributes:
        epochs: What was seen so far.
    """

    def __init__(self, pictures: LabelledSet, spec: NetworkSpec, settings: PretrainSettings) -> None:
        make_deterministic(settings.supervised)
        self._settings = settings
        self._workers, self._device = Workers.here(), pick_device()
        _check_enough(len(pictures), settings, self._workers)
        self._source = ViewSource(pictures, settings, workers=self._workers, device=self._device)
        self._network = _prepare(spec, settings, self._device)
        self._wrapped = self._workers.wrap(self._network)
        self._optimiser = _make_optimiser(self._network, settings)
        steps = self._source.steps * settings.epochs
        self._schedule = make_schedule(self._optimiser, settings.supervised, steps=steps)
        self._precision = Precision(settings.precision, self._device)
        self.epochs: list[PretrainEpoch] = []

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return len(self.epochs) >= self._settings.epochs

    def run_epoch(self) -> PretrainEpoch:
        """Look at two views of every image once."""
        number = len(self.epochs) + 1
        seed = seed_for(self._settings.seed, number, self._workers.rank)
        torch.manual_seed(seed)  # dropout and stochastic depth draw from it
        draw = torch.Generator(self._device).manual_seed(seed)
        self._network.train()
        losses = []
        for step, views in enumerate(self._source.batches(number, draw)):
            losses.append(self._step(views))
            self._check_finite(losses[-1], number, step)
        total = self._workers.total(torch.tensor(sum(losses), dtype=torch.float64, device=self._device))
        self.epochs.append(PretrainEpoch(number, float(total) / (len(losses) * self._workers.count)))
        return self.epochs[-1]

    def body_weights(self) -> dict[str, Tensor]:
        """The body's tensors on the CPU, named as in a `Classifier`."""
        return self._network.body_weights()

    def state(self) -> dict[str, Any]:
        """All that the rest depends on; `torch.load` reads it with `weights_only`.

        Chance is no part of it: each epoch draws from a seed of its own.
        """
        return {
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": self._precision.scaler.state_dict(),
            "epochs": [asdict(epoch) for epoch in self.epochs],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self._precision.scaler.load_state_dict(state["scaler"])
        self.epochs = [PretrainEpoch(**epoch) for epoch in state["epochs"]]

    def _step(self, views: Tensor) -> float:
        try:
            return self._update(views)
        except (torch.OutOfMemoryError, MemoryError) as error:
            # half a batch would be another loss: each view is compared with all others
            raise MemoryExhaustedError(f"two views of {len(views) // 2} images do not fit") from error

    def _update(self, views: Tensor) -> float:
        self._optimiser.zero_grad(set_to_none=True)
        with self._precision.context():
            projected = self._wrapped(laid_out(views))
        loss = compare_views(projected, temperature=self._settings.temperature)
        torch.autograd.backward(self._precision.scaler.scale(loss))
        self._precision.scaler.step(self._optimiser)
        self._precision.scaler.update()
        self._schedule.step()
        return loss.item()

    def _check_finite(self, loss: float, number: int, step: int) -> None:
        # all workers must agree, or those that go on would wait for the one that stopped
        if not self._workers.total(torch.tensor(loss, device=self._device)).isfinite():
            raise DivergedError(f"the loss is not finite in epoch {number}, batch {step + 1} of {self._source.steps}")


def _check_enough(images: int, settings: PretrainSettings, workers: Workers) -> None:
    smallest = min(images, settings.batch_size) // workers.count
    if smallest < 2:  # noqa: PLR2004 - an image and a stranger
        raise TrainingError(
            f"{images} images in batches of {settings.batch_size} leave a worker no two images to tell apart",
            remedy="Give more images, a larger --batch-size, or fewer --workers.",
        )


def _prepare(spec: NetworkSpec, settings: PretrainSettings, device: torch.device) -> ContrastiveNetwork:
    network = ContrastiveNetwork(build_network(spec), settings.projection)
    if spec.rank == 2:  # noqa: PLR2004 - pictures; a third faster on a CPU
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs forget it
    return network.to(device)


def _make_optimiser(network: ContrastiveNetwork, settings: PretrainSettings) -> torch.optim.Optimizer:
    # Biases, scales and norms have one dimension: decaying them only fights the normalisation.
    decaying = [one for one in network.parameters() if one.ndim > 1]
    others = [one for one in network.parameters() if one.ndim <= 1]
    groups = [{"params": decaying, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)
