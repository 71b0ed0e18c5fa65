"""`sievert open`: decrypts records with the key store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import PrivateKeyFile, open_store
from sievert.cli.options import ConfigFile, KeysFolder, OutArgument, effective

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.results.opening import Skipped


def open_(
    *,
    folder: OutArgument,
    record: Annotated[str | None, typer.Option("--record", help="Only this record.", metavar="ID")] = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="The refused inputs instead: which file, and why.")
    ] = False,
    keys: KeysFolder = None,
    private_key: PrivateKeyFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Decrypt results with the key store. What it prints is patient data."""
    from pipelines.results.opening import Skipped, find_record, open_records
    from pipelines.results.outfolder import OutFolder
    from sievert.records import Outcome

    settings = effective(config, store__keys=keys)
    out, store = OutFolder(folder.absolute()), open_store(settings, private=private_key)
    outcome = Outcome.QUARANTINED if quarantined else Outcome.SCREENED
    skipped = Skipped()
    opened = open_records(out, store, outcome=outcome, skipped=skipped) if record is None else iter(())
    records = [find_record(out, store, record)] if record else list(opened)
    _tell_skipped(skipped)
    if as_json:
        console.print_json(records)
    elif record:
        _tell_one(records[0])
    else:
        _tell_all(records, ("reason",) if quarantined else ("decision", "probability"))


def _tell_skipped(skipped: Skipped) -> None:
    if skipped.erased:
        console.stderr().print(f"{skipped.erased} record(s) left out: their patients were erased")
    if skipped.unshared:
        console.stderr().print(f"{skipped.unshared} shard(s) left out: not wrapped for this private key")


def _tell_all(records: Iterable[dict[str, Any]], columns: tuple[str, ...]) -> None:
    from rich.table import Table

    names = ("record", *columns, "source")
    table = Table(box=None)
    for name in names:
        table.add_column(name, no_wrap=name != "source", overflow="fold")
    for record in records:
        table.add_row(*(_short(record[name]) for name in names))
    console.stdout().print(table)


def _tell_one(record: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None)
    table.add_column("field", no_wrap=True)
    table.add_column("value", overflow="fold")
    for name, value in sorted(record.items()):
        table.add_row(name, _short(value))
    console.stdout().print(table)


def _short(value: object) -> str:
    return console.plain(f"{value:.3f}" if isinstance(value, float) else value)
