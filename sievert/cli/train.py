"""`sievert train`: from labelled images to a model package with its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console
from sievert.cli.options import ClusterAddress, effective
from sievert.cli.training import (
    ArchOption,
    ChannelsOption,
    DataArgument,
    InitOption,
    ScopeOption,
    SetOption,
    SizeOption,
    StorageOption,
    ViewsOption,
    WorkersOption,
    follow_epochs,
    make_order,
    read_crew,
    read_scope_file,
)

if TYPE_CHECKING:
    from models.package import ModelPackage
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.training.run import Crew


def train(
    data: DataArgument,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the new package; a package there is replaced.")],
    arch: ArchOption = "hybrid",
    size: SizeOption = "28",
    channels: ChannelsOption = 1,
    recipe: Annotated[
        str, typer.Option(help="Recipe: a name that `sievert recipe list` tells, or a JSON file.", metavar="NAME")
    ] = "standard",
    views: ViewsOption = "plain",
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training split (default 20).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of weights, order and augmentation (default 0).")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Images an optimiser step, over all workers (default 32).")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At the peak of the schedule (default 0.003).")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of PyTorch in a worker; another number gives other weights (default 2).")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(min=1, help="Parts that a worker's batch is computed in (default 1).")
    ] = None,
    clip_norm: Annotated[float | None, typer.Option(min=0, help="Largest norm of the gradient (default any).")] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, fp32, bf16 or fp16 (default auto: half precision on a GPU).")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="Stop after so many epochs without a better one (default never).")
    ] = None,
    freeze: Annotated[int | None, typer.Option(min=0, help="Stages from the input up that learn nothing.")] = None,
    layer_decay: Annotated[
        float | None, typer.Option(help="Factor on the rate for each stage further from the head (default 1).")
    ] = None,
    init: InitOption = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(help="Package whose word on each image becomes part of its target; repeatable.", metavar="MODEL"),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="best.json of a `sievert tune`; flags and --set win over it.", metavar="FILE")
    ] = None,
    choose: SetOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Validation accuracy below which it tunes and trains again.", metavar="ACC"),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Of that tuning.")] = 16,
    scope: ScopeOption = None,
    external: Annotated[Path | None, typer.Option(help="Labelled images to measure with besides.")] = None,
    workers: WorkersOption = "1",
    storage: StorageOption = None,
    address: ClusterAddress = None,
    track: Annotated[
        list[str] | None, typer.Option(help="Log to tensorboard or mlflow; may be repeated.", metavar="WHERE")
    ] = None,
    track_folder: Annotated[Path, typer.Option(help="Folder of those logs.")] = Path("tracking"),
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Train a network, calibrate and measure it, and write a model package with its card.

    Run the same command again to go on after an interruption, at the last finished epoch: until the package is
    written, its state lies in OUT.run, for these data and settings only. Once it is written, training begins anew.
    """
    named = {
        "epochs": epochs,
        "seed": seed,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "threads": threads,
        "accumulate": accumulate,
        "clip_norm": clip_norm,
        "precision": precision,
        "patience": patience,
        "freeze": freeze,
        "layer_decay": layer_decay,
    }
    order = make_order(
        arch,
        size,
        channels=channels,
        views=views,
        prepared=recipe,
        settings_file=settings,
        choices=choose,
        named=named,
        scope=read_scope_file(scope),
        init=init,
        teachers=tuple(teacher or ()),
        external=external,
        threshold=threshold,
        trials=trials,
    )
    crew = read_crew(workers, storage, out)
    package = _run(data, out, order, crew, address=address, track=(tuple(track or ()), track_folder))
    _tell(package, out, json=json)


def _run(
    data: Path,
    out: Path,
    order: TrainingOrder,
    crew: Crew,
    *,
    address: str | None,
    track: tuple[tuple[str, ...], Path],
) -> ModelPackage:
    from cluster.session import open_session
    from pipelines.flows.tracking import open_trackers
    from pipelines.flows.train import train as run

    told = {"arch": order.arch, "data": data.name, **order.settings.model_dump(mode="json")}
    settings = effective(None, cluster__address=address)
    with open_trackers(track[0], track[1], run=out.name, parameters=told) as trackers:
        with open_session(settings.cluster), follow_epochs(order.settings.epochs, then=trackers.on_epoch) as follower:
            package = run(data, out, order, crew=crew, follower=follower)
        trackers.on_end(package.metrics())
    return package


def _tell(package: ModelPackage, out: Path, *, json: bool) -> None:
    test = package.metrics()["test"]
    if json:
        console.print_json({"out": str(out), "name": package.metadata.name, "digest": package.digest, "test": test})
    console.stderr().print(
        f"wrote {console.plain(out)}: test AUROC {test['auroc']:.3f}, accuracy {test['accuracy_argmax']:.3f}; "
        f"its card is {console.plain(out / 'docs' / 'README.md')}"
    )
