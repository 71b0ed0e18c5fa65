"""Runs a search on Ray Tune, or what is left of one, and comes back with the best settings."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.flows.training.storage import RunStorage, name_run
from pipelines.flows.tuning.records import Journal
from pipelines.flows.tuning.space import Proposer, default_values
from pipelines.flows.tuning.trial import name_state
from pipelines.flows.tuning.tuning import Tuning
from sievert.errors import ConfigError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.networks.space import SearchSpace
    from models.networks.spec import NetworkSpec
    from models.training.settings import LabelledSet, TrainingSettings
    from pipelines.flows.training.start import Start
    from pipelines.flows.tuning.records import Trial, TuningResult

SETS = "sets.npz"
RAY = "ray"
"""Folder for what Ray keeps itself; it is not read again."""
MOST_DEATHS = 1
"""Processes that a trial may lose before it counts as failed: values that need too much memory would kill each."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched.

    Attributes:
        spec: The network, with what is not tuned.
        settings: All else that is not tuned; the first trial has them as they are.
        ranges: What is tuned, see `pipelines.flows.tuning.space.ranges_of`.
        trials: How many trainings.
        seed: Of the proposals; trainings have that of the settings.
        start: What each network begins with, or None: nothing.
    """

    spec: NetworkSpec
    settings: TrainingSettings
    ranges: SearchSpace = field(hash=False)
    trials: int = 20
    seed: int = 0
    start: Start | None = None

    def name(self, digest: str) -> str:
        """A name that only the same search over the same data has; more trials of it are still the same search.

        Args:
            digest: Of the data.
        """
        run = name_run(digest, self.spec, self.settings, start=self.start.digest if self.start else None)
        ranges = {name: [type(one).__name__, asdict(one)] for name, one in self.ranges.items()}
        text = json.dumps([run, ranges, self.seed], sort_keys=True)
        return f"tuning-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def tune(
    sets: tuple[LabelledSet, LabelledSet],
    search: Search,
    *,
    digest: str,
    storage: str,
    says: Callable[[str], None],
    on_trial: Callable[[Trial], None],
) -> TuningResult:
    """Search, or go on where the same search was interrupted; an open Ray session is used.

    With one trial at a time, seed, data and versions decide everything, whoever is killed in between. With several,
    which of them has ended when another begins is chance, and with it what is proposed and what is stopped.

    Args:
        sets: Training and validation split.
        search: What is searched.
        digest: Of the data.
        storage: Folder or URI where the search is kept, reached by every node.
        says: Told what the reader should know.
        on_trial: Called with each ended trial, those of an earlier run first.

    Raises:
        ConfigError: There is nothing to tune.
        NetworkInputError: The network does not fit the images, whatever else is tried.
        TrainingError: No trial could be trained.
        StorageError: The storage cannot be used.
    """
    _check(search)
    place = RunStorage(storage).below(search.name(digest))
    default = default_values(search.ranges, search.spec, search.settings)
    proposer = Proposer(search.ranges, default, seed=search.seed)
    keep = search.settings.keep
    tuning = Tuning(Journal(place), proposer, trials=search.trials, keep=keep, on_trial=on_trial)
    if tuning.ended:
        says(f"goes on after {len(tuning.ended)} of {search.trials} trials")
    if tuning.left:
        place.save_sets(SETS, *sets)
        if search.start is not None:
            place.save(search.start.name, search.start.content)
        _run(tuning, search, place)
    return tuning.result(search.spec, search.settings)


def _check(search: Search) -> None:
    from models.networks.registry import build_network

    if not search.ranges:
        raise ConfigError("nothing is left to tune", remedy="Leave out some --set.")
    build_network(search.spec)


def _run(tuning: Tuning, search: Search, place: RunStorage) -> None:
    import ray
    from ray.exceptions import RayError
    from ray.tune import TuneError

    from cluster.session import find_ours

    place.drop(RAY)  # of an earlier run
    _hush_ray()
    try:
        _make_tuner(tuning, search, place, resources=ray.cluster_resources()).fit()
    except (TuneError, RayError) as error:
        raise find_ours(error) or TrainingError(f"the search failed ({type(error).__name__})") from error
    if tuning.left:
        raise TrainingError(f"the search ended with {tuning.left} trials not done")
    for name in (RAY, SETS):
        place.drop(name)


def _make_tuner(tuning: Tuning, search: Search, place: RunStorage, *, resources: dict[str, float]) -> Any:  # noqa: ANN401 - Ray's type
    from ray import tune as ray_tune

    from pipelines.flows.tuning.bridge import Halving, Suggester, TrialActor

    gpus = int(resources.get("GPU", 0))
    return ray_tune.Tuner(
        ray_tune.with_resources(TrialActor, {"CPU": 1, **({"GPU": 1} if gpus else {})}),
        param_space=_describe(search, place),
        tune_config=ray_tune.TuneConfig(
            search_alg=Suggester(tuning, ended=lambda trial: place.drop(name_state(trial.number))),
            scheduler=Halving(search.settings.epochs, tuning.ended),
            num_samples=tuning.left,
            max_concurrent_trials=min(gpus or int(resources.get("CPU", 1)), tuning.left),
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"trial-{trial.config['number']:04d}-{trial.trial_id}",
        ),
        run_config=ray_tune.RunConfig(
            name=RAY,
            storage_path=place.root,
            # a trial keeps its own state, as often as that is worth it
            checkpoint_config=ray_tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=ray_tune.FailureConfig(max_failures=MOST_DEATHS),
            verbose=0,
        ),
    )


def _describe(search: Search, place: RunStorage) -> dict[str, Any]:
    return {
        "storage": place.root,
        "sets": SETS,
        "spec": search.spec.model_dump(mode="json"),
        "settings": search.settings.model_dump(mode="json"),
        "start": search.start.name if search.start else None,
    }


def _hush_ray() -> None:
    """Ray Tune is told by its environment alone."""
    # a line a trial and epoch in three formats, which nobody reads
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    # Ctrl-C ends the command like any other; the journal is there
    os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
