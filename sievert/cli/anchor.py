"""`sievert anchor`: anchors results that were stored while the ledger was away."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import open_store
from sievert.cli.options import ConfigFile, KeysFolder, LedgerFile, OutToWrite, effective

if TYPE_CHECKING:
    from pipelines.results.binding import Finished
    from pipelines.results.keystore import KeyStore
    from sievert.settings import Settings


def anchor(
    *,
    folder: OutToWrite,
    keys: KeysFolder = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Anchor a job whose results are stored but not anchored yet. Needs no key that opens results.

    It holds every byte against files.json first, goes on where anchoring stopped, and changes nothing where the job is
    anchored already.
    """
    from pipelines.results.binding import bind_folder
    from pipelines.results.ledger import open_ledger
    from pipelines.results.mirror import mirror_at
    from pipelines.results.outfolder import OutFolder, held

    settings = effective(config, store__keys=keys, store__ledger=ledger)
    out = OutFolder(folder.absolute())
    asked = open_ledger(settings.ledger, file=settings.store.ledger.absolute(), outbox=out.outbox)
    mirror = mirror_at(out.path)
    with held(out.path) if mirror else nullcontext():
        answer = _describe(bind_folder(out, asked, keys=_log_keeper(settings)))
        if mirror:
            mirror.send(out)
    if as_json:
        console.print_json(answer)
    else:
        tell_anchor(answer)


def tell_anchor(answer: dict[str, Any]) -> None:
    """Where a job is anchored, for people."""
    told = f"anchored as {answer['root']} (block {answer['block']}, {answer['ledger']} ledger)"
    console.stdout().print(told, markup=False)


def _log_keeper(settings: Settings) -> KeyStore | None:
    """The key store, where it is at hand: anchoring needs none, but its log should say so."""
    return open_store(settings) if settings.store.keys.exists() else None


def _describe(finished: Finished) -> dict[str, Any]:
    anchor = finished.anchor or {}
    wanted = ("ledger", "chain_id", "contract", "transaction", "block", "time", "count")
    return {
        "job": finished.manifest["job"],
        "root": finished.root,
        "anchored": True,
        **{name: anchor[name] for name in wanted},
    }
