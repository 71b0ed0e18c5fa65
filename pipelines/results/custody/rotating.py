"""Rotates the wrapping key: a new one, every table and entry of the map under it, then the old one destroyed.

Each table gets a key of its own anew, so that nothing in the new table helps to open an old copy of it. The old key is
destroyed only when nothing is under it any more; a rotation that was killed is finished before another can begin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.results.custody.sweeping import sweep, working_on
from pipelines.results.keys.identities import Identities
from pipelines.results.keys.locks import changing_state
from pipelines.results.keys.tables import read_table_footer
from pipelines.results.keys.wrapping import find_provider, read_state, write_state
from pipelines.results.keys.wrapping_local import LocalKeys
from sievert.errors import WrappingKeyError

if TYPE_CHECKING:
    from pipelines.results.custody.sweeping import Progress
    from pipelines.results.keys.tables import KeyTable, TablePlace
    from pipelines.results.keys.wrapping import WrappingState
    from pipelines.results.keystore import KeyStore


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did.

    Attributes:
        wrapping: Id of the wrapping key that all tables are under now.
        destroyed: Ids of those that are gone.
        tables: Tables written anew, in this run.
        identities: Entries of the re-identification map written anew, in this run.
        resumed: Whether it finished a rotation that had been cut off.
    """

    wrapping: str
    destroyed: tuple[str, ...]
    tables: int
    identities: int
    resumed: bool


def rotate(
    store: KeyStore, *, provider: str | None = None, vault: dict[str, str] | None = None, progress: Progress
) -> Rotated:
    """Put every table, and the re-identification map, under a new wrapping key and destroy the old one.

    Args:
        store: The key store; no private key is needed.
        provider: Where the new key is kept; the current one's provider where it is left out.
        vault: Where a Vault is, for that provider.
        progress: Told how many tables of how many are done.

    Raises:
        WrappingKeyError: The old or the new key cannot be had.
        KeyStoreError: A table or an entry is damaged, or another command is at work.
        StorageError: And its kinds.
    """
    with working_on(store):
        state = read_state(store.folder)
        resumed = bool(state.retiring)
        if not resumed:
            state = _begin(store, state, provider, vault)
        tables = sweep(store, lambda place: _stale(store, place, state.current), progress=progress).tables
        identities = Identities(store.folder).renew()
        for name in state.retiring:
            find_provider(store.folder, name.partition(":")[0], state.vault).destroy(name)
        with changing_state(store.folder):
            write_state(store.folder, replace(state, retiring=()))
        store.log("rotated", wrapping=state.current, destroyed=state.retiring, tables=tables)
    return Rotated(state.current or "", state.retiring, tables, identities, resumed)


def _begin(store: KeyStore, state: WrappingState, provider: str | None, vault: dict[str, str] | None) -> WrappingState:
    old = state.current
    if old and old.startswith("vault:") and vault not in (None, state.vault):
        raise WrappingKeyError("the current wrapping key lies in another Vault", remedy="Rotate to `local` in between.")
    name = provider or (old or "local").partition(":")[0]
    place = vault or state.vault
    LocalKeys(store.folder).drop_all_but({old} if old else set())
    new = find_provider(store.folder, name, place).renew(old)
    begun = replace(state, current=new, retiring=(old,) if old else (), vault=place)
    store.log("rotating", wrapping=new, old=old)
    with changing_state(store.folder):
        write_state(store.folder, begun)
    return begun


def _stale(store: KeyStore, place: TablePlace, current: str | None) -> KeyTable | None:
    footer = read_table_footer(place.file(store.folder))
    return store.read(place) if footer is None or footer.wrapping != current else None
