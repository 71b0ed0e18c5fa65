"""Tunes a network of the zoo on labelled images and writes what was found: settings, trials, a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.evaluation.tuning_page import render_tuning
from pipelines.flows.train import read_order
from pipelines.flows.training.start import find_start
from pipelines.flows.tuning.run import Search, tune
from pipelines.flows.tuning.space import ranges_of
from pipelines.results.disk import disk_errors, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.tuning.records import Trial, TuningResult
    from pipelines.labelled.data import LabelledData

BEST, TRIALS, PAGE = "best.json", "trials.json", "tuning.html"


@dataclass(frozen=True, slots=True)
class TuningOrder:
    """What is to be tuned.

    Attributes:
        training: Network, data preparation and settings of the first trial.
        trials: How many trainings.
        storage: Folder or URI where the search is kept, reached by every node.
        fixed: Settings, by dotted name, that are not tuned.
    """

    training: TrainingOrder
    trials: int
    storage: str
    fixed: Collection[str] = ()


def tune_data(
    data: Path,
    out: Path,
    order: TuningOrder,
    *,
    says: Callable[[str], None],
    on_trial: Callable[[Trial], None],
) -> TuningResult:
    """Search settings on the validation split, on Ray; the same call goes on after an interruption, or adds trials.

    Args:
        data: See `pipelines.labelled`.
        out: Folder that gets `best.json` (for `sievert train --settings`), `trials.json` and `tuning.html`.
        order: What is to be tuned.
        says: Told what the reader should know.
        on_trial: Called with each ended trial, those of an earlier run first.

    Raises:
        LabelError: The data cannot be used to train.
        ConfigError: There is nothing to tune.
        UnknownArchitectureError: The zoo has no such network.
        NetworkInputError: It does not read such images.
        TrainingError: No trial could be trained.
        StorageError: Storage or out folder cannot be written.
    """
    training = order.training
    ranges = ranges_of(training.arch, fixed=order.fixed)
    read = read_order(data, training)
    search = Search(
        training.spec(len(read.labels)),
        training.settings,
        ranges,
        trials=order.trials,
        seed=training.settings.seed,
        start=find_start(training.init) if training.init else None,
    )
    sets = (read.train, read.validation)
    result = tune(sets, search, digest=read.digest, storage=order.storage, says=says, on_trial=on_trial)
    _write(out, result, search, read)
    return result


def _write(out: Path, result: TuningResult, search: Search, data: LabelledData) -> None:
    about = {
        "data": data.name,
        "digest": data.digest,
        "images": len(data.train),
        "validation_images": len(data.validation),
        "arch": search.spec.arch,
        "shape": list(search.spec.shape),
        "epochs": search.settings.epochs,
        "seed": search.seed,
    }
    best = {"network": result.best_spec.model_dump(mode="json"), "training": result.best.model_dump(mode="json")}
    trials = [trial.model_dump(mode="json") for trial in result.trials]
    page = render_tuning(result, search.ranges, about=about)
    with disk_errors("the out folder could not be made"):
        out.mkdir(parents=True, exist_ok=True)
    write_whole(out / TRIALS, _dump({**about, "chosen": result.chosen, "trials": trials}), drafts=out)
    write_whole(out / PAGE, page.encode(), drafts=out)
    write_whole(out / BEST, _dump(best), drafts=out)  # last: with it, the others are there


def _dump(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()
