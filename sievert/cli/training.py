"""Options that `train`, `tune`, `pretrain` and `compare` share, and what they mean."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from models.metadata import Scope
    from models.training.settings import Epoch, TrainingSettings
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.training.board import Follower
    from pipelines.flows.training.run import Crew

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="MedMNIST .npz file, folder with a sub-folder a class, or manifest (source, label; patient, split).",
    ),
]
ArchOption = Annotated[str, typer.Option(help="Network of the zoo: `sievert model list --zoo`.", metavar="NAME")]
SizeOption = Annotated[
    str, typer.Option(help="Pixels that the network reads: SIDE, ROWSxCOLUMNS or SLICESxROWSxCOLUMNS.", metavar="SIZE")
]
ChannelsOption = Annotated[int, typer.Option(min=1, help="Channels of the images.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Any setting of training., augment. or network. (docs/reference/training.md); may be repeated.",
        metavar="KEY=VALUE",
    ),
]
WorkersOption = Annotated[
    str, typer.Option(help="Workers, or FEWEST:MOST for as many as there is room for.", metavar="N[:M]")
]
StorageOption = Annotated[
    str | None,
    typer.Option(
        help="Folder or s3://... that every node reaches; state is kept in OUT.run there (default: beside OUT).",
        metavar="PLACE",
    ),
]
InitOption = Annotated[
    Path | None,
    typer.Option(help="Start from a model package, a pre-trained body or a file of weights.", metavar="MODEL"),
]
ScopeOption = Annotated[
    Path | None,
    typer.Option(help="JSON file that says what the package is for; left out: what is known of the data."),
]

ViewsOption = Annotated[
    str,
    typer.Option(
        help="Predictions are averaged over views of an image: plain (one), mirrored, shifted or both.", metavar="VIEWS"
    ),
]
_VIEWS = ("plain", "mirrored", "shifted", "both")


def read_size(text: str) -> tuple[int, ...]:
    """`28` is 28 rows and columns, `32x64x64` 32 slices of 64 rows and columns.

    Raises:
        ConfigError: It is no size.
    """
    try:
        sides = tuple(int(side) for side in text.lower().split("x"))
    except ValueError as error:
        raise ConfigError(f"--size {text!r} is no size", remedy="Give 28, 224x224 or 32x64x64.") from error
    if not 1 <= len(sides) <= 3 or min(sides) < 1:  # noqa: PLR2004 - slices, rows, columns
        raise ConfigError(f"--size {text!r} is no size", remedy="Give 28, 224x224 or 32x64x64.")
    return sides * 2 if len(sides) == 1 else sides


def read_views(text: str) -> Any:  # noqa: ANN401 - models.networks.views.Views, which is heavy to import
    """One of the views that a package can average over.

    Raises:
        ConfigError: There are no such views.
    """
    if text not in _VIEWS:
        raise ConfigError(f"--views {text!r} are no views", remedy=f"Give one of {', '.join(_VIEWS)}.")
    return text


def read_scope_file(file: Path | None) -> Scope | None:
    """What a package is for, as the user's file says; None where there is none.

    Raises:
        ConfigError: It cannot be understood.
    """
    from models.training.scopes import read_scope

    return read_scope(file) if file else None


def read_workers(text: str) -> tuple[int, int]:
    """`2` is two workers, `1:4` one to four.

    Raises:
        ConfigError: It is no number of workers.
    """
    parts = text.split(":")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):  # noqa: PLR2004 - fewest and most
        raise ConfigError(f"--workers {text!r} is no number", remedy="Give 2, or 1:4 for one to four.")
    fewest, most = int(parts[0]), int(parts[-1])
    if not 1 <= fewest <= most:
        raise ConfigError(f"--workers {text!r} is no number", remedy="Give 2, or 1:4 for one to four.")
    return fewest, most


def read_crew(workers: str, storage: str | None, out: Path) -> Crew:
    """Who trains, and where state is kept: a folder of the run's own, for it is deleted at the end."""
    from pipelines.flows.training.run import Crew
    from pipelines.flows.training.storage import RunStorage

    fewest, most = read_workers(workers)
    place = storage or str(out.absolute().parent)
    root = RunStorage(place if "://" in place else str(Path(place).absolute()))
    return Crew(fewest, most, root.below(f"{out.absolute().name}.run").root)


def make_order(
    arch: str,
    size: str,
    *,
    channels: int = 1,
    views: str = "plain",
    settings_file: Path | None = None,
    choices: list[str] | None = None,
    named: dict[str, Any] | None = None,
    **others: Any,  # noqa: ANN401 - fields of the order
) -> TrainingOrder:
    """What is to be trained: the architecture's starting values, or the settings file; then flags, then `--set`.

    Args:
        arch: Of the zoo.
        size: What the network reads.
        channels: Of the images.
        views: Over which predictions are averaged.
        settings_file: Of `sievert tune`.
        choices: Of `--set`.
        named: Training settings that have a flag of their own, by name; None is left out.
        others: Further fields of the order.

    Raises:
        ConfigError: A setting is unknown or cannot have that value.
    """
    from models.networks.registry import find_architecture
    from models.networks.spec import NetworkSpec
    from models.training.choices import apply_values, parse_choices
    from models.training.settings import TrainingSettings
    from pipelines.flows.train import TrainingOrder

    spec, settings = NetworkSpec(arch=arch, shape=read_size(size), channels=channels), TrainingSettings()
    if settings_file is None:
        spec, settings = apply_values(spec, settings, find_architecture(arch).starts)
    else:
        found, settings = read_settings(settings_file)
        spec = spec.model_copy(update={"options": found.options if found.arch == arch else {}})
    flags = {f"training.{name}": value for name, value in (named or {}).items() if value is not None}
    chosen = flags | parse_choices(choices or ())
    spec, settings = apply_values(spec, settings, chosen)
    return TrainingOrder(
        arch=arch,
        shape=spec.shape,
        channels=channels,
        options=dict(spec.options),
        views=read_views(views),
        settings=settings,
        fixed=tuple(chosen),
        **others,
    )


def read_settings(file: Path) -> tuple[Any, TrainingSettings]:
    """Network and training settings as `sievert tune` writes them to best.json.

    Raises:
        ConfigError: The file cannot be read or understood.
    """
    import json

    from pydantic import ValidationError

    from models.networks.spec import NetworkSpec
    from models.training.settings import TrainingSettings

    try:
        content = json.loads(file.read_bytes())
        return NetworkSpec.model_validate(content["network"]), TrainingSettings.model_validate(content["training"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise ConfigError(
            f"the settings in {file.name!r} cannot be understood", remedy="Give the best.json of a `sievert tune`."
        ) from error


@contextlib.contextmanager
def follow_epochs(epochs: int, *, then: Callable[[Epoch], None] = lambda _: None) -> Iterator[Follower]:
    """Show epochs as a bar on a terminal, as lines elsewhere.

    Args:
        epochs: That lie ahead.
        then: Called after each as well.
    """
    from pipelines.flows.training.board import Follower

    with show_epochs(epochs, describe=describe_epoch) as show:

        def on_epoch(epoch: Epoch) -> None:
            show.moves(epoch)
            then(epoch)

        yield Follower(on_epoch, show.says)


@contextlib.contextmanager
def show_epochs(epochs: int, *, describe: Callable[[Any], str]) -> Iterator[_Lines]:
    """Something that shows epochs: a bar on a terminal, lines elsewhere.

    Args:
        epochs: That lie ahead.
        describe: An epoch's figures in a few words.
    """
    where = console.stderr()
    if not where.is_terminal:
        yield _Lines(where, epochs, describe)
        return
    bar = _Bar(where, epochs, describe)
    with bar.progress:
        yield bar


class _Lines:
    """A line an epoch."""

    def __init__(self, where: Console, epochs: int, describe: Callable[[Any], str]) -> None:
        self._where, self._epochs, self._describe = where, epochs, describe

    def says(self, line: str) -> None:
        self._where.print(line, markup=False)

    def moves(self, epoch: Any) -> None:  # noqa: ANN401 - a record of figures with a number
        self.says(f"epoch {epoch.number} of {self._epochs}: {self._describe(epoch)}")


class _Bar(_Lines):
    """A live bar."""

    def __init__(self, where: Console, epochs: int, describe: Callable[[Any], str]) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__(where, epochs, describe)
        columns = (TextColumn("training"), BarColumn(bar_width=20), MofNCompleteColumn())
        told = TextColumn("{task.fields[told]}")
        self.progress = Progress(*columns, told, TimeRemainingColumn(compact=True), console=where, transient=True)
        self._task = self.progress.add_task("training", total=epochs, told="")

    def moves(self, epoch: Any) -> None:  # noqa: ANN401 - a record of figures with a number
        self.progress.update(self._task, completed=epoch.number, told=self._describe(epoch))


def describe_epoch(epoch: Epoch) -> str:
    """Its figures in a line that fits beside a bar."""
    mark = " *" if epoch.best else ""
    return f"validation loss {epoch.validation_loss:.4f}, accuracy {epoch.validation_accuracy:.3f}{mark}"
