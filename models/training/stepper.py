"""One optimiser step: forward and backward in parts, clipped, scaled, shared between workers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from models.training.optimiser import make_loss, make_optimiser, make_schedule
from models.training.precision import Precision
from sievert.errors import MemoryExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.networks.classifier import Classifier
    from models.training.settings import TrainingSettings
    from models.training.source import Source
    from models.training.workers import Workers


class Stepper:
    """Moves a network's weights, a batch at a time.

    Args:
        network: On its device.
        workers: Who average their gradients.
        settings: Rates, loss, clipping, precision, parts of a batch.
        source: Tells how many steps there are, and how many images of each class.
        says: Told what the reader should know.
    """

    def __init__(
        self,
        network: Classifier,
        workers: Workers,
        settings: TrainingSettings,
        source: Source,
        *,
        says: Callable[[str], None],
    ) -> None:
        self._network, self._workers, self._settings, self._says = network, workers, settings, says
        self._wrapped = workers.wrap(network)
        self._optimiser = make_optimiser(network, settings)
        self._schedule = make_schedule(self._optimiser, settings, steps=source.steps * settings.epochs)
        self._precision = Precision(settings.precision, next(network.parameters()).device)
        self._loss = make_loss(settings, source.counts)
        self._parts = settings.accumulate

    def step(self, images: Tensor, targets: Tensor) -> float:
        """Move the weights once; where memory runs out, halve the parts of a batch, once for all.

        Args:
            images: Shape [image, channel, *place], this worker's share.
            targets: Shape [image, class], shares that add up to 1.

        Returns:
            The mean loss of this share.

        Raises:
            MemoryExhaustedError: Not even halved parts fit, or there are several workers.
        """
        try:
            return self._update(images, targets)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            self._halve(error, len(images))
        return self._update_halved(images, targets)

    def state(self) -> dict[str, Any]:
        """Optimiser, schedule, scaler and parts."""
        return {
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": self._precision.scaler.state_dict(),
            "parts": self._parts,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self._precision.scaler.load_state_dict(state["scaler"])
        self._parts = state["parts"]

    def _halve(self, error: BaseException, images: int) -> None:
        # With several workers the others wait in the gradients' average already: there the step cannot be done again.
        halved = self._parts > self._settings.accumulate
        if halved or self._workers.count > 1 or images < 2 * self._parts:
            raise self._exhausted(images) from error
        self._parts *= 2
        self._says(f"out of memory: each batch is computed in {self._parts} parts from here on")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _update_halved(self, images: Tensor, targets: Tensor) -> float:
        try:
            return self._update(images, targets)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            raise self._exhausted(len(images)) from error

    def _exhausted(self, images: int) -> MemoryExhaustedError:
        parts = "in one part" if self._parts == 1 else f"in {self._parts} parts"
        return MemoryExhaustedError(f"a batch of {images} images, computed {parts}, does not fit in memory")

    def _update(self, images: Tensor, targets: Tensor) -> float:
        self._optimiser.zero_grad(set_to_none=True)
        loss = sum(self._accumulate(images, targets))
        self._precision.scaler.unscale_(self._optimiser)
        if self._settings.clip_norm:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.clip_norm)
        self._precision.scaler.step(self._optimiser)
        self._precision.scaler.update()
        self._schedule.step()
        return loss

    def _accumulate(self, images: Tensor, targets: Tensor) -> Iterator[float]:
        """Gradients of the batch, part by part; workers average them once, at the last part."""
        parts = list(zip(images.chunk(self._parts), targets.chunk(self._parts), strict=True))
        for number, (some, shares) in enumerate(parts, start=1):
            with self._alone(last=number == len(parts)):
                with self._precision.context():
                    logits, _ = self._wrapped(laid_out(some))
                loss = self._loss(logits.float(), shares) * len(some) / len(images)
                self._precision.scaler.scale(loss).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            yield loss.item()

    def _alone(self, *, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Where gradients stay with their worker."""
        if last or self._workers.count == 1:
            return contextlib.nullcontext()
        return cast("contextlib.AbstractContextManager[Any]", cast("Any", self._wrapped).no_sync())


def laid_out(images: Tensor) -> Tensor:
    """Pictures with their channels last, as the network's weights lie; volumes as they are."""
    return images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images  # noqa: PLR2004 - 2-D


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
