"""What is tried: from the zoo's ranges to Optuna's distributions, and one proposal after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from models.networks.space import Choice, Float
from models.training.workers import seed_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from models.networks.space import Range, SearchSpace
    from models.networks.spec import NetworkSpec, Option
    from models.training.settings import TrainingSettings
    from pipelines.flows.tuning.records import Trial

STARTUP = 6
"""Trials drawn at random before the sampler learns from them; Optuna's ten would be half of a short search."""

Values = dict[str, Any]
"""Values by dotted name, see `models.training.choices`."""


def ranges_of(arch: str, *, fixed: Collection[str] = ()) -> SearchSpace:
    """What tuning may try for an architecture, without what the user has set.

    Raises:
        UnknownArchitectureError: The zoo has none of that name.
    """
    from models.networks.registry import find_architecture

    return {name: one for name, one in find_architecture(arch).space.items() if name not in fixed}


def default_values(ranges: SearchSpace, spec: NetworkSpec, settings: TrainingSettings) -> Values:
    """What the ranges' names stand at where nothing is tuned."""
    from models.networks.registry import find_architecture

    standing: dict[str, Option] = {f"training.{name}": value for name, value in settings.model_dump().items()}
    standing |= {f"augment.{name}": value for name, value in settings.augment.model_dump().items()}
    options = find_architecture(spec.arch).defaults | spec.options
    standing |= {f"network.{name}": value for name, value in options.items()}
    return {name: standing[name] for name in ranges}


def to_distribution(one: Range) -> BaseDistribution:
    """The same range in Optuna's words."""
    if isinstance(one, Choice):
        return CategoricalDistribution(one.values)
    if isinstance(one, Float):
        return FloatDistribution(one.low, one.high, log=one.log)
    return IntDistribution(one.low, one.high, log=one.log)


class Proposer:
    """Proposes values: first the defaults, then what a tree-structured Parzen estimator makes of the trials so far.

    Each proposal draws from a seed of its own, so that it follows from the seed, its number and what was learnt before,
    and not from who was killed in between.

    Args:
        ranges: What may be tried.
        default: Values of the first proposal; they need not lie in the ranges.
        seed: Of the search.

    Source: Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011.
    """

    def __init__(self, ranges: SearchSpace, default: Values, *, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._ranges = ranges
        self._distributions = {name: to_distribution(one) for name, one in ranges.items()}
        self._default, self._seed = default, seed
        self._study = optuna.create_study(direction="minimize", pruner=optuna.pruners.NopPruner())
        self._open: dict[int, optuna.Trial] = {}

    def propose(self, number: int) -> Values:
        """Values for the trial of that number, from 1; it counts as running until it is learnt from."""
        if number == 1:
            return self.repeat(number, self._default)
        return self._ask(number).params

    def repeat(self, number: int, values: Values) -> Values:
        """Take a trial's values as proposed: it had begun before, or holds the defaults."""
        inside = all(name in values and _holds(one, values[name]) for name, one in self._ranges.items())
        if inside:  # values outside of the ranges would teach the estimator nothing that it can use
            self._study.enqueue_trial(values)
            self._ask(number)
        return values

    def learn(self, trial: Trial) -> None:
        """Learn from an ended trial."""
        if trial.number not in self._open:
            self.repeat(trial.number, trial.values)
        asked = self._open.pop(trial.number, None)
        if asked is None:
            return
        if trial.state == "finished":
            self._study.tell(asked, trial.validation_loss)
            return
        # Pruned with what it had come to; a failed one with nothing, which the estimator takes for the worst.
        for epoch, (loss, _) in enumerate(trial.curve if trial.state == "stopped" else (), start=1):
            asked.report(loss, epoch)
        self._study.tell(asked, state=TrialState.PRUNED)

    def _ask(self, number: int) -> optuna.Trial:
        seed = seed_for(self._seed, number) % 2**32
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        self._open[number] = self._study.ask(fixed_distributions=self._distributions)
        return self._open[number]


def _holds(one: Range, value: Option) -> bool:
    if isinstance(one, Choice):
        return value in one.values
    return isinstance(value, int | float) and one.low <= value <= one.high
