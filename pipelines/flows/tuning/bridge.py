"""What Ray Tune calls: its trainable, its searcher, its scheduler; each a line or two around something of ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ray.tune import Trainable
from ray.tune.schedulers import ASHAScheduler, TrialScheduler
from ray.tune.search import Searcher

from pipelines.flows.tuning.trial import TrialRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.flows.tuning.records import Trial
    from pipelines.flows.tuning.tuning import Tuning

METRIC = "validation_loss"
REDUCTION = 2
"""Share of trials, as 1 in so many, that go on at each rung: with few epochs the ranking there is rough."""


class TrialActor(Trainable):  # type: ignore[misc] # Ray ships no types
    """A process that does one trial after another."""

    def setup(self, config: dict[str, Any]) -> None:
        """Make ready for a trial."""
        self._run: TrialRun | None = TrialRun(config)

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        return self._run.step() if self._run else {}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Make ready for another trial; saves the seconds that importing takes."""
        self._run = None  # first, so that two trainings never lie in memory together
        self._run = TrialRun(new_config)
        return True


class Suggester(Searcher):  # type: ignore[misc] # Ray ships no types
    """Passes a search's trials to Ray and what Ray hears to the search.

    Ray's own OptunaSearch comes back after a kill by unpickling files from the storage, which we never do; and its
    proposals would then begin anew.

    Args:
        tuning: The search.
        ended: Told the number of each trial that is over.
    """

    def __init__(self, tuning: Tuning, *, ended: Any) -> None:  # noqa: ANN401 - set below
        super().__init__(metric=METRIC, mode="min")
        self._tuning, self._ended = tuning, ended
        self._numbers: dict[str, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray pickles it into a file that nobody reads."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        """The next trial's number and values."""
        trial = self._tuning.begin()
        if trial is None:
            return str(Searcher.FINISHED)
        self._numbers[trial_id] = trial.number
        return {"number": trial.number, "values": trial.values}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass it on."""
        self._tuning.hear(self._numbers[trial_id], result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:  # noqa: FBT001, FBT002 - Ray's signature
        """Pass it on."""
        number = self._numbers.pop(trial_id)
        if result and not error:
            self._tuning.hear(number, result)
        self._ended(self._tuning.end(number, lost=error))

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal has it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class Halving(ASHAScheduler):  # type: ignore[misc] # Ray ships no types
    """Asynchronous successive halving that never stops the first trial: it is what tuning is measured against.

    Args:
        epochs: Of a whole trial; the first rung is at about a quarter of it.
        earlier: Trials of an earlier run, whose results count at each rung.

    Source: Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020.
    """

    def __init__(self, epochs: int, earlier: Iterable[Trial]) -> None:
        super().__init__(
            time_attr="epoch",
            metric=METRIC,
            mode="min",
            max_t=epochs,
            grace_period=max(round(epochs / 4), 1),
            reduction_factor=REDUCTION,
        )
        self._epochs = epochs
        for trial in earlier:
            self._replay(trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401 - Ray's types
        """Whether a trial goes on."""
        action = super().on_trial_result(tune_controller, trial, result)
        spared = trial.config["number"] == 1 and result["epoch"] < self._epochs
        return str(TrialScheduler.CONTINUE if spared else action)

    def _replay(self, trial: Trial) -> None:
        stand_in = SimpleNamespace(trial_id=f"earlier-{trial.number}", config={"number": trial.number})
        self.on_trial_add(None, stand_in)
        for epoch, (loss, _) in enumerate(trial.curve, start=1):
            self.on_trial_result(None, stand_in, {"epoch": epoch, METRIC: loss})
