"""`sievert ledger`: the registry on a chain that others keep too, and the state of either kind of ledger."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, LedgerFile, effective

if TYPE_CHECKING:
    from pipelines.results.ledger.rpc.administering import Done, Owner
    from sievert.settings import LedgerSettings, Settings

app = typer.Typer(no_args_is_help=True, help="Deploy the registry of jobs, look at it, and say who may write.")

WriterArgument = Annotated[str, typer.Argument(help="The account, 0x and 40 hexadecimal digits.", metavar="ADDRESS")]


@app.callback()
def ledger_() -> None:
    """Deploy the registry of jobs, look at it, and say who may write."""


@app.command()
def deploy(
    *,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Put the registry on the chain of `ledger.url`; the signer owns it and is its first writer."""
    done = _owner(effective(config).ledger).deploy()
    _tell(done, f"registry at {done.contract}; set ledger.contract to it", as_json=as_json)


@app.command("add-writer")
def add_writer(
    writer: WriterArgument,
    *,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Let an account anchor; the signer must own the registry."""
    settings = effective(config).ledger
    done = _owner(settings).add_writer(_contract(settings), _account(writer))
    _tell(done, f"{writer} may anchor", as_json=as_json)


@app.command("remove-writer")
def remove_writer(
    writer: WriterArgument,
    *,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Take the right to anchor away; what the account has anchored stays."""
    settings = effective(config).ledger
    done = _owner(settings).remove_writer(_contract(settings), _account(writer))
    _tell(done, f"{writer} may not anchor any more", as_json=as_json)


@app.command()
def status(
    *,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Check the ledger of the settings and say what it is."""
    settings = effective(config, store__ledger=ledger)
    said = _check(settings)
    if as_json:
        console.print_json(said)
        return
    for name, value in said.items():
        console.stdout().print(f"{name}: {console.plain(value)}")


def _check(settings: Settings) -> dict[str, Any]:
    from pipelines.results.ledger import open_ledger

    open_ledger(settings.ledger, file=settings.store.ledger).check()
    if settings.ledger.kind == "embedded":
        from pipelines.results.anchoring import EMBEDDED_NOTE

        return {"kind": "embedded", "file": str(settings.store.ledger), "sound": True, "note": EMBEDDED_NOTE}
    from pipelines.results.ledger.choosing import open_chain

    chain = open_chain(settings.ledger)
    head = chain.node().head()
    return {
        "kind": "rpc",
        "sound": True,
        "chain_id": chain.chain_id,
        "contract": chain.contract,
        "block": head.number,
        "confirmations": settings.ledger.confirmations,
    }


def _owner(settings: LedgerSettings) -> Owner:
    from pipelines.results.ledger.choosing import node_url, open_signer, terms_of, wanted_chain
    from pipelines.results.ledger.rpc.administering import Owner
    from pipelines.results.ledger.rpc.node import Node

    node = Node(node_url(settings), timeout_s=settings.timeout_s)
    account = open_signer(settings).open()
    return Owner(node, account, chain_id=wanted_chain(settings), terms=terms_of(settings), locks=settings.locks)


def _contract(settings: LedgerSettings) -> str:
    from pipelines.results.ledger.choosing import open_chain

    return open_chain(settings).contract


def _account(writer: str) -> str:
    from eth_utils import is_address, to_checksum_address

    from sievert.errors import ConfigError

    if not is_address(writer):
        raise ConfigError("that is no account: 0x and 40 hexadecimal digits, with a right checksum where it has one")
    return str(to_checksum_address(writer))


def _tell(done: Done, said: str, *, as_json: bool) -> None:
    if as_json:
        console.print_json(asdict(done))
    else:
        console.stdout().print(f"{said} (transaction {done.transaction}, block {done.block}, {done.gas} gas)")
