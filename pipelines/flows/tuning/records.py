"""What is known of a trial, and of a search; both stand as JSON in storage, so nothing has to be unpickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from models.networks.spec import Option
from sievert.errors import StorageError

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec
    from models.training.settings import TrainingSettings
    from pipelines.flows.training.storage import RunStorage


class Trial(BaseModel):
    """One training of a search.

    Attributes:
        number: From 1; the first one has the default settings.
        values: By dotted name, see `models.training.choices`.
        state: Begun (`running`), trained to its end (`finished`), given up because others were better (`stopped`), or
            unable to go on (`failed`).
        epochs: Passes over the training split.
        validation_loss: Of the epoch whose weights would be kept; None where there is no epoch.
        validation_accuracy: Of that epoch.
        curve: Validation loss and accuracy after each epoch.
        reason: Why it failed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    values: dict[str, Option]
    state: Literal["running", "finished", "stopped", "failed"] = "running"
    epochs: int = 0
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    curve: tuple[tuple[float, float], ...] = ()
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state != "running"

    def with_curve(self, curve: tuple[tuple[float, float], ...], *, keep: str) -> Trial:
        """The trial after some epochs.

        Args:
            curve: See the attribute.
            keep: `best` or `last`, see `TrainingSettings`.
        """
        loss, accuracy = None, None
        if curve:
            loss, accuracy = min(curve, key=lambda point: point[0]) if keep == "best" else curve[-1]
        return self.model_copy(
            update={"curve": curve, "epochs": len(curve), "validation_loss": loss, "validation_accuracy": accuracy}
        )


@dataclass(frozen=True, slots=True)
class TuningResult:
    """What a search came to.

    Attributes:
        best: Settings of the best trial.
        best_spec: Its network.
        chosen: Its number.
        trials: All, in the order of their numbers.
    """

    best: TrainingSettings
    best_spec: NetworkSpec
    chosen: int
    trials: tuple[Trial, ...]


class Journal:
    """Keeps trials where a killed search finds them again.

    Args:
        storage: Of one search.
    """

    def __init__(self, storage: RunStorage) -> None:
        self._storage = storage

    def write(self, trial: Trial) -> None:
        """Keep a trial as it stands.

        Raises:
            StorageError: It cannot be written.
        """
        self._storage.save(f"trial-{trial.number:04d}.json", trial.model_dump_json().encode())

    def read(self) -> list[Trial]:
        """All trials, in the order of their numbers.

        Raises:
            StorageError: One cannot be read, or is none of ours.
        """
        names = [name for name in self._storage.names() if name.startswith("trial-")]
        try:
            return [Trial.model_validate_json(self._storage.load(name)) for name in names]
        except ValidationError as error:
            raise StorageError(
                "a trial of an earlier run is damaged", remedy="Name another --storage, or delete that one."
            ) from error
