"""`sievert ledger`: the registry on a chain, and who may write to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, LedgerFile, effective

if TYPE_CHECKING:
    from pipelines.results.ledger.rpc.administering import Done, Owner
    from sievert.settings import LedgerSettings

app = typer.Typer(no_args_is_help=True, help="The ledger: its state, its contract on a chain, and who may write to it.")

WriterArgument = Annotated[str, typer.Argument(help="The account, 0x and 40 hexadecimal digits.", metavar="ADDRESS")]


@app.command()
def status(
    *,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Say which ledger is set, whether it is sound, and whether the signer may write and pay."""
    from pipelines.results.ledger.status import describe_ledger

    settings = effective(config, store__ledger=ledger)
    answer = describe_ledger(settings.ledger, file=settings.store.ledger)
    if as_json:
        console.print_json(answer)
        return
    for name, value in answer.items():
        console.stdout().print(f"{name.replace('_', ' ')}: {console.plain(value)}")


@app.command()
def deploy(
    *,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Put the registry on the chain; the signer owns it and is its first writer.

    Set `ledger.contract` to the address that this prints.
    """
    settings = effective(config).ledger
    _tell(_owner(settings).deploy(), "deployed", as_json=as_json)


@app.command("add-writer")
def add_writer(
    *,
    writer: WriterArgument,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Let an account anchor. The signer must own the registry."""
    settings = effective(config).ledger
    _tell(_owner(settings).add_writer(_contract(settings), _account(writer)), "added", as_json=as_json)


@app.command("remove-writer")
def remove_writer(
    *,
    writer: WriterArgument,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Take the right to anchor from an account; what it has anchored stays. The signer must own the registry."""
    settings = effective(config).ledger
    _tell(_owner(settings).remove_writer(_contract(settings), _account(writer)), "removed", as_json=as_json)


def _owner(settings: LedgerSettings) -> Owner:
    from pipelines.results.ledger.choosing import node_url, open_signer, terms_of, wanted_chain
    from pipelines.results.ledger.rpc.administering import Owner
    from pipelines.results.ledger.rpc.node import Node
    from sievert.errors import ConfigError

    if settings.kind == "embedded":
        raise ConfigError(
            "the embedded ledger has its contract and its writer from the first anchor on",
            remedy="Set ledger.kind to rpc, with ledger.url and ledger.chain_id.",
        )
    node, chain_id = Node(node_url(settings), timeout_s=settings.timeout_s), wanted_chain(settings)
    return Owner(node, open_signer(settings).open(), chain_id=chain_id, terms=terms_of(settings), locks=settings.locks)


def _contract(settings: LedgerSettings) -> str:
    from pipelines.results.ledger.choosing import open_chain

    return open_chain(settings).contract


def _account(writer: str) -> str:
    from eth_utils import is_address, to_checksum_address

    from sievert.errors import ConfigError

    if not is_address(writer):
        raise ConfigError("an account's address is 0x and 40 hexadecimal digits, of the right case if of mixed case")
    return str(to_checksum_address(writer))


def _tell(done: Done, what: str, *, as_json: bool) -> None:
    answer: dict[str, Any] = asdict(done)
    if as_json:
        console.print_json(answer)
    else:
        console.stdout().print(f"{what}: registry {done.contract}, block {done.block}, {done.gas:,} gas", markup=False)
