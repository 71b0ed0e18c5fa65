"""A search between any two of its events: which trial comes next, and what was heard of those that run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.training.choices import apply_values
from pipelines.flows.tuning.records import Trial, TuningResult
from sievert.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.networks.spec import NetworkSpec
    from models.training.settings import TrainingSettings
    from pipelines.flows.tuning.records import Journal
    from pipelines.flows.tuning.space import Proposer

LOST = "its process was lost"
"""Why a trial failed that could say nothing any more."""


class Tuning:
    """Begins trials, hears of them and ends them; all of it stands in the journal.

    Args:
        journal: Holds what an earlier run of the same search left.
        proposer: Says what to try.
        trials: How many there will be.
        keep: `best` or `last`, see `TrainingSettings`.
        on_trial: Called with each ended trial, those of an earlier run first.
    """

    def __init__(
        self, journal: Journal, proposer: Proposer, *, trials: int, keep: str, on_trial: Callable[[Trial], None]
    ) -> None:
        self._journal, self._proposer, self._keep, self._on_trial = journal, proposer, keep, on_trial
        self._count = trials
        self._trials = {trial.number: trial for trial in journal.read() if trial.number <= trials}
        self._curves: dict[int, dict[int, tuple[float, float]]] = {}
        self._reasons: dict[int, str] = {}
        self._waiting = [trial for trial in self._trials.values() if not trial.ended]
        for trial in self.ended:
            proposer.learn(trial)
            on_trial(trial)

    @property
    def ended(self) -> list[Trial]:
        """Trials of which nothing more will come, in the order of their numbers."""
        return sorted((trial for trial in self._trials.values() if trial.ended), key=lambda trial: trial.number)

    @property
    def left(self) -> int:
        """Trials still to be done."""
        return self._count - len(self.ended)

    def begin(self) -> Trial | None:
        """The next trial: one that was interrupted, or a new one; None where there is none."""
        if self._waiting:
            trial = self._waiting.pop(0)
            self._proposer.repeat(trial.number, trial.values)
            return trial
        number = len(self._trials) + 1
        if number > self._count:
            return None
        trial = Trial(number=number, values=self._proposer.propose(number))
        self._put(trial)
        return trial

    def hear(self, number: int, result: dict[str, Any]) -> None:
        """Take in what a trial said, see `pipelines.flows.tuning.trial`; an epoch told twice counts once."""
        if result.get("failure"):
            self._reasons[number] = result["failure"]
            return
        curve = self._curves.setdefault(number, {})
        curve[result["epoch"]] = (result["validation_loss"], result["validation_accuracy"])
        if result["last"]:
            self._reasons[number] = ""

    def end(self, number: int, *, lost: bool) -> Trial:
        """Close a trial.

        Args:
            number: Which.
            lost: Whether its process died.
        """
        points = tuple(point for _, point in sorted(self._curves.pop(number, {}).items()))
        reason = self._reasons.pop(number, None)
        failure = LOST if lost else reason or ""
        state = "failed" if failure else ("stopped" if reason is None else "finished")
        trial = self._trials[number].with_curve(points, keep=self._keep)
        trial = trial.model_copy(update={"state": state, "reason": failure})
        self._put(trial)
        self._proposer.learn(trial)
        self._on_trial(trial)
        return trial

    def result(self, spec: NetworkSpec, settings: TrainingSettings) -> TuningResult:
        """The search's outcome; a trial that was given up early is the best one only where none was finished.

        Raises:
            TrainingError: Every trial failed.
        """
        candidates = [trial for trial in self.ended if trial.state == "finished"]
        candidates = candidates or [trial for trial in self.ended if trial.state == "stopped"]
        if not candidates:
            raise TrainingError(f"none of {len(self.ended)} trials could be trained: {self.ended[0].reason}")
        best = min(candidates, key=lambda trial: (trial.validation_loss, trial.number))
        best_spec, best_settings = apply_values(spec, settings, best.values)
        return TuningResult(best_settings, best_spec, best.number, tuple(self.ended))

    def _put(self, trial: Trial) -> None:
        self._journal.write(trial)
        self._trials[trial.number] = trial
