"""How commands bind events of erasure on the ledger, and tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sievert.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipelines.results.custody.witnessing import Event
    from pipelines.results.keystore import KeyStore
    from pipelines.results.ledger import Ledger
    from sievert.errors import LedgerError
    from sievert.settings import Settings


def ledger_for(settings: Settings) -> Callable[[Path | None], Ledger]:
    """Opens the ledger of the settings for an outbox, or only to be asked."""
    from pipelines.results.ledger import open_ledger

    file = settings.store.ledger.absolute()
    return lambda outbox: open_ledger(settings.ledger, file=file, outbox=outbox)


def try_to_bind(store: KeyStore, settings: Settings) -> LedgerError | None:
    """Bind every event; a ledger that is away or refuses is told, for an erasure does not wait for one."""
    from pipelines.results.custody.witnessing import bind_erasures
    from sievert.errors import LedgerError

    try:
        bind_erasures(store, ledger_for(settings))
    except LedgerError as problem:
        return problem
    return None


def tell_erasures(events: Sequence[Event], *, as_json: bool) -> None:
    """Each with where it is bound."""
    if as_json:
        console.print_json(
            {
                "erasures": [
                    {
                        **one.told,
                        "root": one.root.hex(),
                        "block": one.anchor and one.anchor.block,
                        "transaction": one.anchor and one.anchor.transaction,
                    }
                    for one in events
                ]
            }
        )
        return
    say = console.stdout().print
    for one in events:
        where = f"block {one.anchor.block}" if one.anchor else "[yellow]not anchored yet[/]: --anchor"
        say(f"erasure {one.number}, {one.told['time']}: {one.told['keys']} key(s), {where}")
    say(f"{len(events)} erasure(s)")
