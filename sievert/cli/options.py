"""Options that several commands share, and the settings that they set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sievert.settings import Settings

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file instead of sievert.toml.", metavar="FILE", is_eager=True)
]
KeysFolder = Annotated[
    Path | None,
    typer.Option("--keys", help="Key store (default: in the user's data directory).", metavar="FOLDER"),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option("--ledger", help="Embedded ledger, in this file (default: as the settings say).", metavar="FILE"),
]
ClusterAddress = Annotated[
    str | None, typer.Option("--address", help="Ray cluster to join (default: a local session).", metavar="RAY")
]


def as_written(text: str | Path) -> str:
    """A place before it is known what it is: a path would lose one of the two slashes of a URL."""
    return str(text)


def results_folder(*, reading: bool = True, anew: bool = False) -> Callable[[typer.Context, Any], Any]:
    """Makes a folder of a place of results; of a bucket's URL the folder that stands for it, fresh.

    Args:
        reading: Whether the command only reads: it does not disturb a run then, nor wait for one.
        anew: Whether every object is read, whatever is here already.
    """

    def resolve(ctx: typer.Context, value: Any) -> Any:  # noqa: ANN401 - one place, or several
        if not isinstance(value, str):
            return [resolve(ctx, one) for one in value] if value else value
        if "://" not in value:
            return Path(value)
        from pipelines.results.mirror import open_mirror
        from sievert.settings import load_settings

        mirrors = load_settings(config=ctx.params.get("config")).settings.store.mirrors.absolute()
        mirror = open_mirror(value, mirrors, reading=reading)
        mirror.refresh(anew=anew)
        return mirror.folder

    return resolve


def volume_folder(text: str | Path) -> Path:
    """A folder of a disk; a default comes as a path already.

    Raises:
        ConfigError: It is a URL.
    """
    if "://" in str(text):
        from sievert.errors import ConfigError

        raise ConfigError("the online service keeps its results on a disk", remedy="Name a folder.")
    return Path(text)


def out_argument(
    *,
    help: str = "The --out folder of a screening, or its s3:// URL.",  # noqa: A002 - typer's word
    metavar: str = "DIR",
    reading: bool = True,
    anew: bool = False,
) -> Any:  # noqa: ANN401 - as typer has it
    """The place of results that a command is about; see `results_folder`."""
    return typer.Argument(
        help=help, metavar=metavar, parser=as_written, callback=results_folder(reading=reading, anew=anew)
    )


OutArgument = Annotated[Path, out_argument()]
OutToWrite = Annotated[Path, out_argument(reading=False)]


def effective(config: Path | None, **flags: Any) -> Settings:  # noqa: ANN401 - each setting has its own type
    """The settings with flags on top; a flag is named by its path with `__` for the dot.

    Who names the embedded ledger's file means that ledger, whatever the settings say.
    """
    from sievert.settings import load_settings

    if flags.get("store__ledger"):
        flags["ledger__kind"] = "embedded"
    named = {path.replace("__", "."): value for path, value in flags.items()}
    return load_settings(named, config=config).settings
