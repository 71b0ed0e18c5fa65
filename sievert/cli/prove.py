"""`sievert prove`: one small file by which anyone can check one record; and how such a file is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import OutArgument

if TYPE_CHECKING:
    from pipelines.results.ledger import Ledger
    from pipelines.results.proofs.proof import Proof


def prove(
    *,
    folder: OutArgument,
    record: Annotated[str, typer.Option("--record", help="Id of the record.", metavar="ID")],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Where to write the proof (default: RECORD.proof.json, here).", metavar="FILE"),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Write a page, too, that checks proofs in a browser.", metavar="FILE"),
    ] = None,
    page_asks: Annotated[
        bool, typer.Option("--page-asks", help="Let the page ask a node that its reader names; else it cannot connect.")
    ] = False,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Write the proof of one record: it names no patient, and `sievert verify FILE` checks it without a key."""
    from pipelines.results.disk import disk_errors
    from pipelines.results.outfolder import OutFolder
    from pipelines.results.proofs.page import render_page
    from pipelines.results.proofs.proving import prove_record

    proof = prove_record(OutFolder(folder.absolute()), record)
    file = to or Path(f"{record}.proof.json")
    _refuse_inside(folder, file, page)
    with disk_errors("the proof could not be written"):
        file.write_bytes(proof.encoded())
        if page is not None:
            page.write_text(render_page(asks=page_asks), "utf-8")
    if as_json:
        console.print_json({"proof": str(file), "page": page and str(page), "bytes": len(proof.encoded())})
    else:
        console.stdout().print(f"proof in {console.plain(file)}, {len(proof.encoded())} bytes; root {proof.root}")


def tell_proof(file: Path, against: Against, *, as_json: bool) -> None:
    """Check a proof's file against a kept root, a node or the ledger; say what holds.

    Raises:
        ProofError: It is none, or does not hold.
        AnchorError: It does, but another root was kept or anchored.
        LedgerError: The ledger cannot be read.
    """
    from pipelines.results.disk import disk_errors
    from pipelines.results.proofs.proof import MOST_BYTES, read_proof, root_of_proof

    with disk_errors("the proof could not be read"), file.open("rb") as content:
        proof = read_proof(content.read(MOST_BYTES + 1))
    root_of_proof(proof)
    _hold(proof, against)
    if as_json:
        console.print_json(_describe(proof, against))
    else:
        _tell(proof, against)


@dataclass(frozen=True, slots=True)
class Against:
    """What a proof is held against: a kept root, else a node, else the ledger of the settings.

    Attributes:
        ledger: Of the settings.
        kept_root: A root that the reader kept.
        node: URL of a node of the proof's own chain.
        contract: The contract that it must be anchored in; any where it is left out.
        timeout_s: How long the node may be silent.
    """

    ledger: Ledger
    kept_root: str | None = None
    node: str | None = field(default=None, repr=False)
    contract: str | None = None
    timeout_s: float = 10

    @property
    def kind(self) -> str:
        """In a word."""
        return "root" if self.kept_root is not None else "ledger" if self.node is None else "node"


def _hold(proof: Proof, against: Against) -> None:
    from pipelines.results.proofs.asking import ask_node
    from pipelines.results.proofs.proof import hold_against
    from sievert.errors import AnchorError

    if against.kept_root is not None:
        if proof.root != against.kept_root.lower().removeprefix("0x"):
            raise AnchorError("the proof leads to another root than the one you kept")
        return
    if against.node is not None:
        ask_node(proof, against.node, timeout_s=against.timeout_s, contract=against.contract)
        return
    anchor = against.ledger.find(bytes.fromhex(proof.job))
    if anchor is None:
        raise AnchorError(
            "the ledger knows nothing of the proof's job",
            remedy="Name the ledger that it was anchored on, or the root that you kept with --root.",
        )
    hold_against(proof, anchor)


def _describe(proof: Proof, against: Against) -> dict[str, object]:
    return {
        "holds": True,
        "against": against.kind,
        "job": proof.job,
        "index": proof.index,
        "ciphertext": proof.ciphertext,
        "root": proof.root,
        "chain_id": proof.chain_id,
        "contract": proof.contract,
        "transaction": proof.transaction,
        "block": proof.block,
    }


def _tell(proof: Proof, against: Against) -> None:
    out = console.stdout()
    whom = {"root": "the root that you kept", "ledger": "the ledger", "node": f"chain {proof.chain_id}"}[against.kind]
    out.print(f"[bold green]the proof holds[/] against {whom}: record {proof.index} of job {proof.job}")
    out.print(f"ciphertext {proof.ciphertext}")
    out.print(f"root {proof.root}, block {proof.block}", markup=False)
    if against.kind == "node" and against.contract is None:
        out.print(f"contract {proof.contract}: whether it is the programme's, you must know (--contract)", markup=False)


def _refuse_inside(folder: Path, *files: Path | None) -> None:
    from sievert.errors import ConfigError

    if any(file is not None and folder.resolve() in file.resolve().parents for file in files):
        raise ConfigError("a proof cannot lie in the out folder: everything there is under the root already")
