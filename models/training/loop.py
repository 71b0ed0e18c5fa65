"""The training loop: one seed, one set of weights, whether it was interrupted or not."""

from __future__ import annotations

import copy
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.registry import build_network
from models.training.mixing import mix
from models.training.optimiser import freeze_stages, keep_frozen_still, make_average
from models.training.settings import Epoch
from models.training.source import ResidentSource, check_images, held_out
from models.training.stepper import Stepper, laid_out
from models.training.teaching import Teachers
from models.training.workers import Workers, pick_device, seed_for
from sievert.errors import DivergedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.networks.classifier import Classifier
    from models.networks.spec import NetworkSpec
    from models.training.settings import LabelledSet, TrainingSettings
    from models.training.source import Source

EVALUATION_BATCH = 256
"""Images a forward pass of the validation split."""


def fit_network(  # noqa: PLR0913 - all that a training is made of
    train: LabelledSet,
    validation: LabelledSet,
    spec: NetworkSpec,
    settings: TrainingSettings,
    *,
    on_epoch: Callable[[Epoch], None],
    start: Callable[[Classifier], object] | None = None,
    teachers: Sequence[Classifier] = (),
) -> tuple[Classifier, list[Epoch]]:
    """Train in this process, from first to last epoch.

    Same seed, threads, data and versions give the same weights, bit by bit, on one kind of CPU.

    Args:
        train: What is learnt from.
        validation: What the choice of the epoch goes by.
        spec: The network.
        settings: Everything else.
        on_epoch: Called after each epoch.
        start: Given the new network, to load weights into it.
        teachers: Networks that give part of the targets.

    Returns:
        The network, in evaluation mode and on the CPU, and what was seen at each epoch.

    Raises:
        DivergedError: The loss is not finite.
        MemoryExhaustedError: Not even half a batch fits.
        NetworkInputError: Network, settings and images do not fit each other.
    """
    training = Training(train, validation, spec, settings, start=start, teachers=teachers)
    while not training.finished:
        on_epoch(training.run_epoch())
    return training.chosen(), training.epochs


class Training:
    """One training, between any two of its epochs.

    Args:
        train: What is learnt from, or a source of it.
        validation: What the choice of the epoch goes by.
        spec: The network.
        settings: Everything else.
        start: Given the new network, to load weights into it.
        teachers: Networks that give part of the targets.
        says: Told what the reader should know.

    Attributes:
        epochs: What was seen so far.
    """

    def __init__(  # noqa: PLR0913 - all that a training is made of
        self,
        train: LabelledSet | Source,
        validation: LabelledSet,
        spec: NetworkSpec,
        settings: TrainingSettings,
        *,
        start: Callable[[Classifier], object] | None = None,
        teachers: Sequence[Classifier] = (),
        says: Callable[[str], None] = lambda _: None,
    ) -> None:
        make_deterministic(settings)
        self._settings = settings
        self._workers, self._device = Workers.here(), pick_device()
        check_images(validation, spec)
        self._source = self._open(train, spec)
        self._held_out, self._truth = held_out(validation, settings.augment, self._device)
        self._teachers = Teachers(teachers, share=settings.teacher_share, device=self._device)
        self._network = _prepare(build_network(spec), start, settings, self._device)
        self._average = make_average(self._network, settings.ema_decay)
        self._stepper = Stepper(self._network, self._workers, settings, self._source, says=says)
        self._best: dict[str, Tensor] = {}
        self.epochs: list[Epoch] = []

    def _open(self, train: LabelledSet | Source, spec: NetworkSpec) -> Source:
        if not hasattr(train, "images"):
            return train
        labelled = cast("LabelledSet", train)
        check_images(labelled, spec)
        return ResidentSource(
            labelled,
            self._settings,
            classes=spec.classes,
            workers=self._workers,
            device=self._device,
        )

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the last ones brought nothing."""
        since = len(self.epochs) - max((epoch.number for epoch in self.epochs if epoch.best), default=0)
        return len(self.epochs) >= self._settings.epochs or 0 < self._settings.patience <= since

    def run_epoch(self) -> Epoch:
        """Learn from every training image once, then measure on the validation split."""
        number = len(self.epochs) + 1
        training_loss = self._learn(number)
        loss, accuracy = self._validate()
        if not isfinite(loss):
            raise DivergedError(f"the validation loss is not finite after epoch {number}")
        best = loss < min((epoch.validation_loss for epoch in self.epochs), default=float("inf"))
        if best:
            self._best = _copied(self._average.module)
        self.epochs.append(Epoch(number, training_loss, loss, accuracy, best))
        return self.epochs[-1]

    def chosen(self) -> Classifier:
        """The network with the weights that the settings keep, in evaluation mode, on the CPU."""
        network = copy.deepcopy(cast("Classifier", self._average.module)).cpu()
        network.load_state_dict(chosen_weights(self.state(), keep=self._settings.keep))
        return network.eval()

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on; `torch.load` reads it with `weights_only`.

        Chance is no part of it: each epoch draws from a seed of its own.
        """
        return {
            "network": self._network.state_dict(),
            "average": self._average.state_dict(),
            "steps": self._stepper.state(),
            "best": self._best,
            "epochs": [asdict(epoch) for epoch in self.epochs],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self._stepper.restore(state["steps"])
        self._best = state["best"]
        self.epochs = [Epoch(**epoch) for epoch in state["epochs"]]

    def _learn(self, number: int) -> float:
        seed = seed_for(self._settings.seed, number, self._workers.rank)
        torch.manual_seed(seed)  # dropout and stochastic depth draw from it
        draw = torch.Generator(self._device).manual_seed(seed)
        self._network.train()
        keep_frozen_still(self._network)
        losses = []
        for step, (images, targets) in enumerate(self._source.batches(number, draw)):
            mixed, shares = mix(images, self._teachers.soften(images, targets), self._settings, step=step, draw=draw)
            losses.append(self._stepper.step(mixed, shares))
            self._average.update_parameters(self._network)
            self._check_finite(losses[-1], number, step)
        self._workers.agree(self._network, self._average)
        mean = torch.tensor([sum(losses), len(losses)], dtype=torch.float64, device=self._device)
        total, count = self._workers.total(mean).tolist()
        return float(total / count)

    def _check_finite(self, loss: float, number: int, step: int) -> None:
        # all workers must agree, or those that go on would wait for the one that stopped
        if not self._workers.total(torch.tensor(loss, device=self._device)).isfinite():
            raise DivergedError(f"the loss is not finite in epoch {number}, batch {step + 1} of {self._source.steps}")

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        self._average.eval()
        mine = self._workers.share(torch.arange(len(self._truth), device=self._device))
        sums = torch.zeros(3, dtype=torch.float64, device=self._device)
        for chosen in torch.split(mine, EVALUATION_BATCH):
            logits = self._average(laid_out(self._held_out[chosen]))[0].float()
            truth = self._truth[chosen]
            loss = functional.cross_entropy(logits, truth, reduction="sum")
            sums += torch.stack([loss, (logits.argmax(1) == truth).sum(), torch.ones_like(truth).sum()]).double()
        loss, right, images = self._workers.total(sums).tolist()
        return loss / images, right / images


def chosen_weights(state: dict[str, Any], *, keep: str) -> dict[str, Tensor]:
    """The weights that a training is done for.

    Args:
        state: Of `Training.state`.
        keep: `best` or `last`, see `TrainingSettings`.
    """
    if keep == "best":
        return cast("dict[str, Tensor]", state["best"])
    prefix = "module."
    return {name.removeprefix(prefix): one for name, one in state["average"].items() if name.startswith(prefix)}


def make_deterministic(settings: TrainingSettings) -> None:
    """Let PyTorch give the same weights each time, as far as a device can."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(mode=True, warn_only=torch.cuda.is_available())
    # Filling fresh memory guards against kernels that read what they never wrote; it takes a third of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # a property of the module


def _prepare(
    network: Classifier,
    start: Callable[[Classifier], object] | None,
    settings: TrainingSettings,
    device: torch.device,
) -> Classifier:
    if start is not None:
        start(network)
    freeze_stages(network, settings.freeze)
    if network.spec.rank == 2:  # noqa: PLR2004 - pictures; a third faster on a CPU
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs forget it
    return network.to(device)


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
