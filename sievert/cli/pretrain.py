"""`sievert pretrain`: from images without labels to a body that training can start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.options import ClusterAddress, effective
from sievert.cli.training import (
    ArchOption,
    ChannelsOption,
    SetOption,
    SizeOption,
    StorageOption,
    WorkersOption,
    read_crew,
    read_size,
    show_epochs,
)

if TYPE_CHECKING:
    from models.pretraining.body_package import Body
    from models.pretraining.settings import PretrainEpoch
    from pipelines.flows.pretrain import PretrainOrder
    from pipelines.flows.training.run import Crew


def pretrain(
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA...",
            help="MedMNIST .npz files, folders of images or manifests; of splits, only the training one is read.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the pre-trained body; one that is there is replaced.")],
    arch: ArchOption = "hybrid",
    size: SizeOption = "28",
    channels: ChannelsOption = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images (default 100).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of weights, order and views (default 0).")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Images an optimiser step, over all workers (default 128).")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of PyTorch in a worker; another number gives other weights (default 2).")
    ] = None,
    choose: SetOption = None,
    workers: WorkersOption = "1",
    storage: StorageOption = None,
    address: ClusterAddress = None,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Teach a network from images without labels (SimCLR); `sievert train --init` starts from what comes out.

    Run the same command again to go on after an interruption, at the last finished epoch.
    """
    named = {"epochs": epochs, "seed": seed, "batch_size": batch_size, "threads": threads}
    order = _make_order(arch, read_size(size), channels=channels, choices=choose, named=named)
    body = _run(data, out, order, read_crew(workers, storage, out), address=address)
    if json:
        console.print_json({"out": str(out), "arch": body.spec.arch, "digest": body.digest})
    console.stderr().print(f"wrote {console.plain(out)}; train from it with --init {console.plain(out)}")


def _make_order(
    arch: str,
    shape: tuple[int, ...],
    *,
    channels: int,
    choices: list[str] | None,
    named: dict[str, Any],
) -> PretrainOrder:
    from models.networks.spec import NetworkSpec
    from models.pretraining.settings import PretrainSettings
    from models.training.choices import apply_values, parse_choices
    from pipelines.flows.pretrain import PretrainOrder

    flags = {f"training.{name}": value for name, value in named.items() if value is not None}
    asked = NetworkSpec(arch=arch, shape=shape, channels=channels)
    return PretrainOrder(*apply_values(asked, PretrainSettings(), flags | parse_choices(choices or ())))


def _run(data: list[Path], out: Path, order: PretrainOrder, crew: Crew, *, address: str | None) -> Body:
    from cluster.session import open_session
    from pipelines.flows.pretrain import pretrain as run
    from pipelines.flows.training.pretraining import PretrainFollower

    settings = effective(None, cluster__address=address)
    with open_session(settings.cluster), show_epochs(order.settings.epochs, describe=_describe) as show:
        return run(data, out, order, crew=crew, follower=PretrainFollower(show.moves, show.says))


def _describe(epoch: PretrainEpoch) -> str:
    return f"loss {epoch.training_loss:.4f}"
