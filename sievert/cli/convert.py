"""`sievert convert`: DICOM series become de-identified NIfTI volumes and a manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.grouping import group_inputs
from sievert.cli.options import ConfigFile, KeysFolder, effective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.admit.series.grouping import Series
    from pipelines.flows.convert import Converted
    from sievert.records import Reason
    from sievert.settings import Settings


def convert(
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs, manifests, archives, URLs.", metavar="INPUT...", show_default=False
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="Folder for the volumes and their manifest.", metavar="DIR")],
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Turn DICOM series into NIfTI volumes without identity, and a manifest for training.

    Voxels lie where the slices' positions say; series that make no volume are told with their reason. Run the same
    command again to go on after an interruption.
    """
    settings = effective(config, store__keys=keys)
    found, others = group_inputs(inputs, to, settings)
    done = _convert(found, to, settings)
    if as_json:
        console.print_json({"series": [asdict(one) for one in done], "files_left_out": dict(others)})
    else:
        _tell(done, others, to)
    _refuse_nothing(done)


def _convert(found: list[Series], to: Path, settings: Settings) -> list[Converted]:
    from rich.progress import Progress

    from pipelines.flows.convert import convert_series
    from pipelines.results.custody.creating import create_key_store
    from pipelines.results.keystore import KeyStore

    place = settings.store.keys.absolute()
    create_key_store(place)
    key = KeyStore(place).identity_key
    with Progress(console=console.stderr(), transient=True) as bar:
        task = bar.add_task("converting", total=len(found))
        done = []
        for one in convert_series(found, to, identity_key=key, policy=settings.admit):
            done.append(one)
            bar.advance(task)
    return done


def _tell(done: Sequence[Converted], others: Counter[Reason], to: Path) -> None:
    out, good = console.stdout(), [one for one in done if one.reason is None]
    resampled = sum(bool(one.resampled) for one in good)
    out.print(f"[bold]{len(good)}[/] volumes in {console.plain(to)}, {resampled} of them resampled; manifest.csv")
    for reason, number in Counter(one.explanation for one in done if one.reason).most_common():
        out.print(f"{number} series left out: {reason}", markup=False)
    for kind, number in others.most_common():
        out.print(f"{number} files left out: {kind.explanation}", markup=False)


def _refuse_nothing(done: Sequence[Converted]) -> None:
    from sievert.errors import NothingAdmittedError

    if all(one.reason for one in done):
        raise NothingAdmittedError("no series makes a volume")
