"""`sievert anchor`: anchors results that were stored while the ledger was away."""

from __future__ import annotations

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import open_store
from sievert.cli.options import ConfigFile, KeysFolder, LedgerFile, OutArgument, effective


def anchor(
    *,
    folder: OutArgument,
    keys: KeysFolder = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Anchor results that are stored but not anchored yet. Goes on where it stopped; an anchored job stays as it is."""
    from pipelines.results.binding import bind_folder
    from pipelines.results.ledger import open_ledger
    from pipelines.results.outfolder import OutFolder

    settings = effective(config, store__keys=keys, store__ledger=ledger)
    out = OutFolder(folder.absolute())
    held = open_ledger(settings.ledger, file=settings.store.ledger.absolute(), outbox=out.outbox)
    finished = bind_folder(out, held, open_store(settings))
    said = finished.anchor or {}
    if as_json:
        console.print_json({"job": finished.manifest["job"], "anchored": True, **said})
    else:
        console.stdout().print(
            f"anchored as {finished.root} (block {said['block']}, {said['ledger']} ledger)", markup=False
        )
