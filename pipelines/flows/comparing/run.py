"""Runs a comparison on Ray, or what is left of one: tune each row, train each seed, measure, time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cluster.machine import count_cores
from models.latency import measure_gpu_latencies, measure_latencies
from models.package import load_package
from pipelines.flows.comparing.order import TAUGHT, TUNING_SEED, Latency, Row
from pipelines.flows.comparing.work import train_package
from pipelines.flows.train import find_prior, read_order
from pipelines.flows.tuning.run import Search, tune
from pipelines.flows.tuning.space import ranges_of
from sievert.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.package import ModelPackage
    from pipelines.flows.comparing.order import CompareOrder
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.tuning.records import Trial
    from pipelines.labelled.data import LabelledData

PACKAGES, SEARCHES = "packages", "tuning"
"""Folders of a comparison."""


def compare(
    data: Path, out: Path, order: CompareOrder, *, says: Callable[[str], None]
) -> tuple[list[Row], LabelledData]:
    """Train every row and seed, and time the packages; what an earlier run finished is kept.

    Args:
        data: Labelled images, see `pipelines.labelled`.
        out: Folder for packages and searches.
        order: What is compared.
        says: Told how it goes.

    Returns:
        The rows, in the order's order, and the data that they were measured on.

    Raises:
        LabelError: The data cannot be used.
        UnknownArchitectureError: The zoo has no such network.
        TrainingError: A row cannot be trained.
        StorageError: `out` cannot be written.
    """
    for arch in order.archs:
        order.row(arch)  # a wrong name or value is told before a large set is read
    read = read_order(data, order.base)
    order = order.with_passes(len(read.train))
    rows = {arch: order.row(arch) for arch in order.archs}
    for row in rows.values():
        row.spec(len(read.labels))
    tuned = {arch: _tune(read, row, order, out, says) for arch, row in rows.items()}
    made = _make_packages(read, {arch: row for arch, (row, _) in tuned.items()}, order, out, says)
    says("timing each network")
    told = zip(made, measure([packages[0] for _, _, packages in made]), strict=True)
    return [Row(name, arch, found, tuned[arch][1], latency) for (name, arch, found), latency in told], read


def _make_packages(
    data: LabelledData, rows: dict[str, TrainingOrder], order: CompareOrder, out: Path, says: Callable[[str], None]
) -> list[tuple[str, str, tuple[ModelPackage, ...]]]:
    """Name, network and packages of each row; those that are taught come last, for they need the others."""
    first = _train(data, rows, order, out, says)
    taught = {
        arch: replace(rows[arch], teachers=_list_folders(first, order.teachers or (arch,))) for arch in order.taught
    }
    second = _train(data, taught, order, out, says)
    made = [(arch, arch, first[arch]) for arch in order.archs]
    return made + [(TAUGHT.format(arch), arch, second[arch]) for arch in order.taught]


def _list_folders(made: dict[str, tuple[ModelPackage, ...]], archs: Sequence[str]) -> tuple[Path, ...]:
    return tuple(package.folder for arch in archs for package in made[arch])


def measure(packages: list[ModelPackage]) -> list[Latency]:
    """Latencies of packages, in turn on one machine."""
    cores = count_cores()
    one, several = measure_latencies(packages, threads=1), measure_latencies(packages, threads=cores)
    gpu: Sequence[float | None] = measure_gpu_latencies(packages) or [None] * len(packages)
    return [
        Latency(one_core=first, all_cores=second, cores=cores, gpu=third)
        for first, second, third in zip(one, several, gpu, strict=True)
    ]


def _tune(
    data: LabelledData, row: TrainingOrder, order: CompareOrder, out: Path, says: Callable[[str], None]
) -> tuple[TrainingOrder, tuple[Trial, ...]]:
    """The row with what its trials found; the trainings that are compared have other seeds."""
    if order.trials <= 1:
        return row, ()
    search = Search(
        spec=row.spec(len(data.labels)),
        settings=row.settings.model_copy(update={"seed": TUNING_SEED, "threads": 1}),
        ranges=ranges_of(row.arch, fixed=tuple(order.choices)),
        trials=order.trials,
    )
    result = tune(
        (data.train, data.validation),
        search,
        digest=data.digest,
        storage=str((out / SEARCHES).absolute()),
        says=says,
        on_trial=lambda trial: says(f"{row.arch}: trial {trial.number} of {order.trials}, {describe_trial(trial)}"),
    )
    settings = result.best.model_copy(update={"seed": row.settings.seed, "threads": row.settings.threads})
    return replace(row, options=dict(result.best_spec.options), settings=settings), result.trials


def describe_trial(trial: Trial) -> str:
    """How it ended, in a few words."""
    if trial.validation_loss is None:
        return trial.state
    return f"{trial.state} after {trial.epochs} epochs, validation loss {trial.validation_loss:.4f}"


def _train(
    data: LabelledData, rows: dict[str, TrainingOrder], order: CompareOrder, out: Path, says: Callable[[str], None]
) -> dict[str, tuple[ModelPackage, ...]]:
    import ray

    places = {
        (arch, seed): (out.absolute() / PACKAGES / _folder_name(row, seed), _seeded(row, seed))
        for seed in range(order.seeds)
        for arch, row in rows.items()
    }
    shared = ray.put(data)
    work = ray.remote(num_cpus=1)(train_package)
    waiting = [
        work.remote(shared, place, one) for place, one in places.values() if not _is_done(place, one, data.digest)
    ]
    done = len(places) - len(waiting)
    while waiting:
        ready, waiting = ray.wait(waiting)
        name, seconds = ray.get(ready[0])
        done += 1
        says(f"trained {name} in {seconds:.0f} s ({done} of {len(places)})")
    return {arch: tuple(load_package(places[arch, seed][0]) for seed in range(order.seeds)) for arch in rows}


def _seeded(row: TrainingOrder, seed: int) -> TrainingOrder:
    return replace(row, settings=row.settings.model_copy(update={"seed": seed}))


def _folder_name(row: TrainingOrder, seed: int) -> str:
    return f"{row.arch}-taught-{seed}" if row.teachers else f"{row.arch}-{seed}"


def _is_done(place: Path, order: TrainingOrder, digest: str) -> bool:
    """Whether an earlier run wrote this very package."""
    import json

    try:
        package = load_package(place)
        told: dict[str, Any] = json.loads((package.folder / "provenance.json").read_bytes())
    except (ModelError, OSError, ValueError):
        return False
    same = told.get("settings") == order.settings.model_dump(mode="json") and told["data"]["sha256"] == digest
    network = package.metadata.network
    if not same or network is None or network != order.spec(network.classes):
        return False
    prior = find_prior(order, classes=network.classes)
    return [teacher["sha256"] for teacher in told["teachers"]] == [one.weights.digest for one in prior.teachers]
