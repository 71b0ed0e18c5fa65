"""What one trial does: trains with its values, and says after each epoch how it stands."""

from __future__ import annotations

import io
import math
import time
from typing import TYPE_CHECKING, Any

from models.networks.spec import NetworkSpec
from models.training.choices import apply_values
from models.training.settings import TrainingSettings
from pipelines.flows.training.start import Start
from pipelines.flows.training.storage import RunStorage
from sievert.errors import ConfigError, ModelError, StorageError, TrainingError

if TYPE_CHECKING:
    from models.training.loop import Training
    from models.training.settings import Epoch

KEEP_EVERY_S = 60.0
"""How much of a trial may be lost with its process: writing the state of a large network each epoch costs more."""


class TrialRun:
    """One trial in this process.

    Args:
        task: `storage`, `sets`, `spec`, `settings` and `start`, see `pipelines.flows.tuning.run`; and the trial's own
            `number` and `values`.
        keep_every_s: Time between two states that are kept.
    """

    def __init__(self, task: dict[str, Any], *, keep_every_s: float = KEEP_EVERY_S) -> None:
        self._task, self._keep_every_s = task, keep_every_s
        self._storage = RunStorage(task["storage"])
        self._state = name_state(task["number"])
        self._training: Training | None = None
        self._untold: list[Epoch] = []
        self._kept_s = time.monotonic()

    def step(self) -> dict[str, Any]:
        """Train one epoch.

        Returns:
            `epoch`, `validation_loss`, `validation_accuracy`, whether it is the `last` one, and `failure`: why there
            will be no further one, or nothing. A failure has epoch 0, an infinite loss, and is no exception: one trial
            that cannot go on must not end the others, and doing it again would not help.
        """
        import torch

        try:
            return self._next()
        except (TrainingError, ModelError, ConfigError) as error:
            return _failed(error.message)
        except (MemoryError, torch.OutOfMemoryError):
            return _failed("out of memory")
        except (StorageError, OSError):
            raise  # may well work the next time: Ray tries again
        except Exception as error:  # noqa: BLE001 - whatever it is, these values would end so again
            return _failed(f"something unforeseen went wrong ({type(error).__name__})")

    def _next(self) -> dict[str, Any]:
        if self._training is None:
            self._training = self._open()
        if self._untold:  # what was learnt before an interruption, for those who compare trials by epoch
            epoch = self._untold.pop(0)
        else:
            epoch = self._training.run_epoch()
            self._keep(self._training)
        if not math.isfinite(epoch.validation_loss):
            return _failed(f"the validation loss is not finite after epoch {epoch.number}")
        return _told(epoch, last=self._training.finished and not self._untold)

    def _open(self) -> Training:
        from models.training.loop import Training

        spec, settings = apply_values(
            NetworkSpec.model_validate(self._task["spec"]),
            TrainingSettings.model_validate(self._task["settings"]),
            self._task["values"],
        )
        train, validation = self._storage.load_sets(self._task["sets"])
        # trials use the cores side by side, which loses nothing; threads of one trial would
        settings = settings.model_copy(update={"threads": 1})
        name = self._task["start"]
        start = Start(name, self._storage.load(name)) if name else None
        training = Training(train, validation, spec, settings, start=start.load if start else None)
        self._restore(training)
        return training

    def _restore(self, training: Training) -> None:
        import torch

        if self._state in self._storage.names():
            content = io.BytesIO(self._storage.load(self._state))
            training.restore(torch.load(content, map_location="cpu", weights_only=True))
            self._untold = list(training.epochs)

    def _keep(self, training: Training) -> None:
        import torch

        if training.finished or time.monotonic() - self._kept_s < self._keep_every_s:
            return
        content = io.BytesIO()
        torch.save(training.state(), content)
        self._storage.save(self._state, content.getbuffer())
        self._kept_s = time.monotonic()


def name_state(number: int) -> str:
    """File of a trial's last state."""
    return f"state-{number:04d}.pt"


def _told(epoch: Epoch, *, last: bool) -> dict[str, Any]:
    return {
        "epoch": epoch.number,
        "validation_loss": epoch.validation_loss,
        "validation_accuracy": epoch.validation_accuracy,
        "last": last,
        "failure": "",
        "done": last,
    }


def _failed(reason: str) -> dict[str, Any]:
    nothing = {"epoch": 0, "validation_loss": math.inf, "validation_accuracy": 0.0}
    return {**nothing, "last": True, "failure": reason, "done": True}
