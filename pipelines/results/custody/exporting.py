"""Exports what one recipient needs to open their part: their wrapped data keys and nothing of anybody else's."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from pipelines.results.custody.sweeping import working_on
from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.keys.keyfiles import write_secret
from pipelines.results.keys.tables import KeyTable, find_tables, write_table
from pipelines.results.keystore import EXPORTED, PUBLIC
from sievert.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.custody.sweeping import Progress
    from pipelines.results.keys.recipients import Recipient
    from pipelines.results.keys.tables import TablePlace
    from pipelines.results.keystore import KeyStore

EXPORT_SCHEMA = "sievert.export/1"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        recipient: For whom.
        tables: Shards' attempts.
        keys: Wrapped data keys.
    """

    recipient: Recipient
    tables: int
    keys: int


def export(store: KeyStore, name: str, target: Path, *, progress: Progress) -> Exported:
    """Write a folder that opens results with a recipient's own private key: `sievert open DIR --keys TARGET`.

    The outer layer is taken off, as they have no wrapping key: what leaves the site is closed by their key alone, and
    is out of reach of later erasures and rotations.

    Args:
        store: The key store; no private key is needed.
        name: The recipient's name or fingerprint.
        target: A folder that is not there yet, or is empty.
        progress: Told how many tables of how many are done.

    Raises:
        KeyStoreError: There is no such recipient, or a table cannot be read.
        StorageError: And its kinds: the folder holds something, or cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StorageError("the folder to export to holds something", remedy="Name a folder that is not there yet.")
    with working_on(store):
        recipient = store.recipients.named(name)
        draft = target.with_name(f".{target.name}.{uuid4().hex}")
        try:
            tables, keys = _fill(store, recipient, draft, progress)
            store.log("exported", recipient=recipient.fingerprint, name=recipient.name, keys=keys)
            with disk_errors("the export could not be moved into place"):
                draft.rename(target)
                sync_folder(target.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Exported(recipient, tables, keys)


def _fill(store: KeyStore, recipient: Recipient, draft: Path, progress: Progress) -> tuple[int, int]:
    told = {"schema": EXPORT_SCHEMA, "recipient": recipient.fingerprint, "site": store.fingerprint}
    with disk_errors("the export could not be written"):
        draft.parent.mkdir(parents=True, exist_ok=True)
        (draft / "jobs").mkdir(parents=True, mode=0o700)
        draft.chmod(0o700)
        write_secret(draft / PUBLIC, recipient.public.encode())
        write_secret(draft / EXPORTED, json.dumps(told, indent=1).encode())
    tables = keys = 0
    places = find_tables(store.folder)
    for done, place in enumerate(places, start=1):
        part = _part(store.read(place), recipient)
        if part is not None:
            _write(draft, place, part)
            tables, keys = tables + 1, keys + len(part.rows)
        progress(done, len(places))
    return tables, keys


def _part(table: KeyTable, recipient: Recipient) -> KeyTable | None:
    """The recipient's rows; where everything was erased, an empty table that says so; else nothing."""
    rows = [row for row in table.rows if row.recipient == recipient.fingerprint]
    return KeyTable(rows, table.erased) if rows or not table.rows else None


def _write(draft: Path, place: TablePlace, part: KeyTable) -> None:
    file = place.file(draft)
    with disk_errors("the export could not be written"):
        file.parent.mkdir(exist_ok=True, mode=0o700)
    write_table(file, place, part, wrapping=None)
