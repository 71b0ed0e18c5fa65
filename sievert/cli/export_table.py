"""`sievert export-table`: a k-anonymous table for analytics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import PrivateKeyFile, open_store
from sievert.cli.options import ConfigFile, KeysFolder, OutArgument, effective


def export_table(
    *,
    folder: OutArgument,
    to: Annotated[Path, typer.Option("--to", help="Where to write it: .parquet or .csv.", metavar="FILE")],
    consent: Annotated[
        str, typer.Option("--consent", help="Who agreed to what; kept in the file and the audit log.", metavar="TEXT")
    ],
    k: Annotated[
        int, typer.Option("--k", min=2, help="Fewest patients that any combination of values stands for.")
    ] = 5,
    private_key: PrivateKeyFile = None,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Write decisions without identity, so that any combination of values stands for several patients."""
    from pipelines.results.opening import Skipped, open_records
    from pipelines.results.outfolder import OutFolder, read_job
    from pipelines.results.tabling import export_table as write_table

    out, skipped = OutFolder(folder.absolute()), Skipped()
    store = open_store(effective(config, store__keys=keys), private=private_key)
    records = open_records(out, store, skipped=skipped)
    made = write_table(records, to.absolute(), k=k, consent=consent, job=read_job(out).job, keys=store)
    told = {"table": str(to), "rows": len(made.rows), "left_out": made.left_out, "erased": skipped.erased, "k": k}
    if as_json:
        console.print_json({**told, "steps": made.steps, "hidden": list(made.hidden)})
        return
    say = console.stdout().print
    say(f"{told['rows']} rows in {console.plain(to)}; {made.left_out} left out as too rare, {skipped.erased} erased")
    steps = f"in {made.steps} steps" if made.steps else "not told"
    say(f"each combination of values stands for {k} patients or more; probability {steps}", markup=False)
