"""Options that several commands share, and the settings that they set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sievert.settings import Settings

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file instead of sievert.toml.", metavar="FILE")
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


def results_folder(text: str) -> Path:
    """A folder of results, or the mirror of a bucket, fresh.

    Raises:
        ConfigError: It is a URL of another kind.
        StorageError: And its kinds: the bucket cannot be read.
    """
    if "://" not in text:
        return Path(text)
    from pipelines.results.mirror import open_mirror
    from sievert.settings import load_settings

    mirror = open_mirror(text, load_settings().settings.store.mirrors.absolute())
    mirror.refresh()
    return mirror.folder


def volume_folder(text: str | Path) -> Path:
    """A folder of a disk; a default comes as a path already.

    Raises:
        ConfigError: It is a URL.
    """
    if "://" in str(text):
        from sievert.errors import ConfigError

        raise ConfigError("the online service keeps its results on a disk", remedy="Name a folder.")
    return Path(text)


OutArgument = Annotated[
    Path,
    typer.Argument(help="The --out folder of a screening, or its s3:// URL.", metavar="DIR", parser=results_folder),
]


def effective(config: Path | None, **flags: Any) -> Settings:  # noqa: ANN401 - each setting has its own type
    """The settings with flags on top; a flag is named by its path with `__` for the dot.

    Who names the embedded ledger's file means that ledger, whatever the settings say.
    """
    from sievert.settings import load_settings

    if flags.get("store__ledger"):
        flags["ledger__kind"] = "embedded"
    named = {path.replace("__", "."): value for path, value in flags.items()}
    return load_settings(named, config=config).settings
