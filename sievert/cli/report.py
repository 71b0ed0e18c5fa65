"""`sievert report`: one HTML file about a job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import open_store
from sievert.cli.options import ConfigFile, KeysFolder, OutArgument, effective

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.results.keystore import KeyStore

PRIVATE_MODE, PUBLIC_MODE = 0o600, 0o644


def report(
    *,
    folder: OutArgument,
    cases: Annotated[
        int,
        typer.Option("--cases", min=0, help="Add the N most urgent cases with pictures: patient data!", metavar="N"),
    ] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file (default: beside DIR, DIR-report.html).", metavar="FILE")
    ] = None,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Write one self-contained HTML file: counts, probabilities, quarantine, throughput, provenance.

    No picture and no id stands in it, unless --cases opens the key store. DIR itself stays as it was anchored.
    """
    settings = effective(config, store__keys=keys)
    file = write_report(folder, out, cases=cases, keys=lambda: open_store(settings))
    if as_json:
        console.print_json({"report": str(file), "cases": cases, "patient_data": cases > 0})
    else:
        console.stdout().print(f"report: {console.plain(file)}" + (" (holds patient data)" if cases else ""))


def write_report(folder: Path, file: Path | None, *, cases: int, keys: Callable[[], KeyStore]) -> Path:
    """Render and write the report of a finished job; returns where it is."""
    from pipelines.results.disk import disk_errors, write_whole
    from pipelines.results.reporting import report_job
    from sievert.errors import ConfigError

    folder = folder.absolute()
    file = file or _beside(folder, "cases" if cases else "report")
    if file.resolve().is_relative_to(folder.resolve()):
        raise ConfigError("the report must not be written into the results, which are anchored as they are")
    content = report_job(folder, cases=cases, keys=keys).encode()
    with disk_errors("the report's folder could not be made"):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, content, drafts=file.parent, mode=PRIVATE_MODE if cases else PUBLIC_MODE)
    return file


def _beside(folder: Path, kind: str) -> Path:
    """Beside the folder; of a bucket, in the current folder, under the name that its prefix ends with."""
    from pipelines.results.mirror import place_name

    place = Path(place_name(folder))
    return Path(f"{place.name}-{kind}.html") if place != folder else folder.with_name(f"{folder.name}-{kind}.html")
