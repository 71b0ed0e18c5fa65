"""Goes over a key store's tables, one after another, each replaced whole: what every change of keys has in common.

A change that is killed has done some tables and not others. As each change is a function of what stands in a table,
running it again does the rest.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.keys.locks import changing_state, commanding
from pipelines.results.keys.tables import DRAFT_SUFFIX, find_tables
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from pipelines.results.keys.tables import KeyTable, TablePlace
    from pipelines.results.keystore import KeyStore

    Progress: TypeAlias = Callable[[int, int], None]


@dataclass(slots=True)
class Swept:
    """What a sweep changed.

    Attributes:
        tables: Tables written anew.
        rows: Wrapped data keys that were added, or removed.
        identities: Entries of the re-identification map that were removed.
    """

    tables: int = 0
    rows: int = 0
    identities: int = 0


@contextmanager
def working_on(store: KeyStore) -> Iterator[None]:
    """Be the one command at work, and clear away what a killed one, or a killed worker, left half written.

    Raises:
        KeyStoreError: Another command is at work.
        StorageError: And its kinds.
    """
    if store.is_exported:
        raise KeyStoreError("this is an exported part of a key store", remedy="Change the site's own key store.")
    with commanding(store.folder):
        _drop_drafts(store)
        yield


def sweep(
    store: KeyStore,
    change: Callable[[TablePlace], KeyTable | None],
    *,
    job: str | None = None,
    progress: Progress,
) -> Swept:
    """Write tables anew where a change wants it.

    Args:
        store: The key store, held by `working_on`.
        change: Gives a table's new content, None where it stays as it is.
        job: Only this job's tables.
        progress: Told how many tables of how many are done.

    Raises:
        KeyStoreError: And its kinds: a table is damaged, or its wrapping key cannot be had.
        StorageError: And its kinds.
    """
    swept, places = Swept(), find_tables(store.folder, job)
    for done, place in enumerate(places, start=1):
        if (changed := _changed(store, change, place)) is not None:
            store.write(place, changed)
            swept.tables += 1
        progress(done, len(places))
    return swept


def _changed(store: KeyStore, change: Callable[[TablePlace], KeyTable | None], place: TablePlace) -> KeyTable | None:
    try:
        return change(place)
    except KeyStoreError:
        if place.file(store.folder).exists():
            raise
        return None  # of an attempt that lost meanwhile


def _drop_drafts(store: KeyStore) -> None:
    """Held alone, no worker is writing: each draft is of somebody who was killed, and holds wrapped keys."""
    with changing_state(store.folder), disk_errors("a draft in the key store could not be removed"):
        for draft in (store.folder / "jobs").glob(f"*/*{DRAFT_SUFFIX}"):
            draft.unlink(missing_ok=True)
            sync_folder(draft.parent)
