"""`sievert verify`: holds results against their anchored root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, LedgerFile, effective, out_argument
from sievert.cli.prove import Against, tell_proof

if TYPE_CHECKING:
    from pipelines.results.ledger import Ledger
    from pipelines.results.verifying import Verification

MOST_TOLD = 20


def verify(
    *,
    what: Annotated[
        Path,
        out_argument(
            help="The --out folder of a screening, its s3:// URL, or the file of a proof.",
            metavar="DIR|PROOF",
            anew=True,
        ),
    ],
    root: Annotated[
        str | None,
        typer.Option(
            "--root", help="A copy of the root that you kept: it decides, and no ledger is needed.", metavar="HEX"
        ),
    ] = None,
    rpc: Annotated[
        str | None,
        typer.Option(
            "--rpc",
            help="Of a proof: ask this node of the chain that it names (one whose URL holds no secret).",
            metavar="URL",
        ),
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option("--contract", help="With --rpc: the registry that it must be anchored in.", metavar="0x…"),
    ] = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Check every ciphertext, every file, the tree and the anchor of a job, or the proof of one record. Needs no key.

    Leaves with 0 only where all of it is what was anchored, and names what is not.
    """
    from pipelines.results.ledger import open_ledger

    settings = effective(config, store__ledger=ledger)
    held = open_ledger(settings.ledger, file=settings.store.ledger)
    if what.is_file():
        against = Against(held, root, rpc, contract, timeout_s=settings.ledger.timeout_s)
        tell_proof(what, against, as_json=as_json)
    else:
        _refuse_node(rpc, contract)
        _verify_folder(what, held, kept_root=root, as_json=as_json)


def _refuse_node(rpc: str | None, contract: str | None) -> None:
    from sievert.errors import ConfigError

    if rpc is not None or contract is not None:
        raise ConfigError(
            "--rpc and --contract are for a proof", remedy="A folder's ledger is in the settings ledger.*."
        )


def _verify_folder(folder: Path, ledger: Ledger, *, kept_root: str | None, as_json: bool) -> None:
    from pipelines.results.outfolder import OutFolder
    from pipelines.results.verifying import verify_job

    found = verify_job(OutFolder(folder.absolute()), ledger, kept_root=kept_root)
    if as_json:
        console.print_json(_describe(found))
    else:
        _tell(found)
    if found.lies:
        from sievert.errors import IntegrityError

        raise typer.Exit(IntegrityError.exit_code)


def _describe(found: Verification) -> dict[str, Any]:
    return {
        "job": found.job,
        "verified": found.verified,
        "quarantined_verified": found.refused,
        "failed": len(found.lies),
        "files": found.files,
        "root": found.root,
        "anchored": found.anchor is not None and not found.lies,
        "block": found.anchor.block if found.anchor else None,
        "transaction": found.anchor.transaction if found.anchor else None,
        "note": _note(found),
        "lies": [{"file": lie.file, "record": lie.record, "problem": lie.problem} for lie in found.lies],
    }


def _note(found: Verification) -> str:
    from pipelines.results.anchoring import EMBEDDED_NOTE

    if found.anchor is None:
        return "held against the root given; no ledger knows the job, so anchor.json was checked for its root only"
    return EMBEDDED_NOTE if found.anchor.kind == "embedded" else ""


def _tell(found: Verification) -> None:
    out, err = console.stdout(), console.stderr()
    for lie in found.lies[:MOST_TOLD]:
        err.print(f"[bold red]not as anchored[/]: {console.plain(lie)}")
    if len(found.lies) > MOST_TOLD:
        err.print(f"and {len(found.lies) - MOST_TOLD} more; see --json")
    if found.lies:
        err.print("Do not use these results; restore the folder from a copy and verify again.")
        return
    out.print(f"[bold green]verified[/]: {found.verified} screened, {found.refused} quarantined, {found.files} files")
    out.print(f"root {found.root}" + (f", block {found.anchor.block}" if found.anchor else ""))
    out.print(f"note: {_note(found)}", markup=False) if _note(found) else None
