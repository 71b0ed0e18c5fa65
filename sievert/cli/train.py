"""`sievert train`: from labelled pictures to a model package with its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console

if TYPE_CHECKING:
    from rich.progress import Progress


def train(
    data: Annotated[Path, typer.Argument(metavar="FILE.npz", help="MedMNIST file with the splits train, val, test.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the new package; a package there is replaced.")],
    external: Annotated[
        Path | None, typer.Option(help="Folder with a sub-folder a class, to measure with besides.")
    ] = None,
    scope: Annotated[
        Path | None, typer.Option(help="JSON file that says what the package is for; left out: chest pneumonia.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and augmentation.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training split.")] = 20,
    threads: Annotated[int, typer.Option(min=1, help="Of PyTorch; another number gives other weights.")] = 2,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Train a network, calibrate and measure it, and write a model package with its card."""
    from models.training.scopes import read_scope
    from models.training.settings import TrainingSettings
    from pipelines.flows.train import train as run

    settings = TrainingSettings(seed=seed, epochs=epochs, threads=threads)
    purpose = read_scope(scope) if scope else read_scope()
    with _bar() as bar:
        task = bar.add_task("training", total=epochs, loss="")
        run(
            data,
            out,
            settings=settings,
            scope=purpose,
            external=external,
            on_epoch=lambda epoch: bar.update(task, advance=1, loss=f"loss {epoch.validation_loss:.4f}"),
        )
    console.stderr().print(f"wrote {out}; its card is {out / 'docs' / 'README.md'}")


def _bar() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TextColumn("{task.fields[loss]}"), TimeRemainingColumn(), console=console.stderr())
