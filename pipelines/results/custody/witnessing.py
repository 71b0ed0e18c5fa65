"""Makes each erasure an event that others can hold the site to: its file's hash is bound on the ledger, and so signed.

The event says that an erasure of the site took place, when, and how much it made unreadable; whose keys they were it
tells only to who has the identity key. On the ledger it stands like a job of its own, with the hash of the file as its
root: so no erasure can be dated back or changed afterwards, and one that was made while the ledger was away is bound
later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipelines.results.anchoring import encode_anchor
from pipelines.results.disk import disk_errors, write_whole
from pipelines.results.outfolder import canonical_json
from sievert.errors import AnchorError, IntegrityError, KeyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.results.custody.sweeping import Swept
    from pipelines.results.keystore import KeyStore
    from pipelines.results.ledger import Anchor, Ledger

SCHEMA = "sievert.erasure/1"
FOLDER = "erasures"
_COUNT = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One erasure as others are told of it.

    Attributes:
        number: Which of the site's, from 0.
        content: The file's bytes.
        told: What they say.
        anchor: What the ledger says; None where it is not bound yet.
    """

    number: int
    content: bytes
    told: dict[str, Any]
    anchor: Anchor | None = None

    @property
    def root(self) -> bytes:
        """What the ledger is told: the hash of the file."""
        return sha256(self.content).digest()

    @property
    def commitment(self) -> bytes:
        """The id under which it stands on the ledger: not its number, which a restored key store counts anew."""
        return sha256(SCHEMA.encode() + b"|" + self.root).digest()


def record_erasures(store: KeyStore, swept: Swept | None = None) -> None:
    """Write the events of erasures that have none yet.

    Args:
        store: The key store.
        swept: What the last of them removed; of earlier ones, whose process was killed, that is not known any more.

    Raises:
        StorageError: And its kinds.
    """
    folder, marks = store.folder / FOLDER, store.erasures.all()
    with disk_errors("the events of erasures could not be written"):
        folder.mkdir(exist_ok=True, mode=0o700)
    for number, erasure in enumerate(marks):
        file = _file(store, number)
        if file.exists():
            continue
        removed = swept if number == len(marks) - 1 else None
        told = {
            "schema": SCHEMA,
            "site": store.fingerprint,
            "number": number,
            "mark": erasure.mark,
            "job": erasure.job,
            "tables": removed and removed.tables,
            "keys": removed and removed.rows,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "audit": store.log("recorded", erasure=number).head,
        }
        write_whole(file, canonical_json(told), drafts=folder, mode=0o600)


def bind_erasures(store: KeyStore, open_for: Callable[[Path], Ledger]) -> list[Event]:
    """Bind on the ledger what is not bound there yet. Safe to repeat.

    Args:
        store: The key store.
        open_for: Opens the ledger for an outbox.

    Returns:
        All events, each with its anchor.

    Raises:
        LedgerError: It refuses, or is away; events that are bound by then stay so.
    """
    events = []
    for event in read_events(store):
        outbox = store.folder / FOLDER / f"{event.number:05d}.outbox.sqlite"
        anchor = open_for(outbox).anchor(event.commitment, root=event.root, count=_COUNT)
        anchored = _anchored(store, event.number)
        if not anchored.exists():
            store.log("anchored", erasure=event.number, root=event.root.hex())
            write_whole(anchored, encode_anchor(anchor), drafts=anchored.parent, mode=0o600)
        for part in outbox.parent.glob(f"{outbox.name}*"):
            part.unlink()
        events.append(Event(event.number, event.content, event.told, anchor))
    return events


def check_erasures(store: KeyStore, ledger: Ledger) -> list[Event]:
    """Hold every event against the ledger; those that are not bound yet have no anchor.

    Raises:
        IntegrityError: An erasure has no event, or an event is not the site's erasure of that number.
        AnchorError: One was anchored, and the ledger does not know it: the file was changed, or the ledger is another.
        LedgerError: The ledger cannot be read.
    """
    events = list(read_events(store))
    if len(events) != len(store.erasures.all()):
        raise IntegrityError(
            "an erasure has no event",
            remedy="Run `sievert keys erasures --anchor`: it writes and binds what is missing.",
        )
    return [Event(one.number, one.content, one.told, _found(store, one, ledger)) for one in events]


def read_events(store: KeyStore) -> Iterator[Event]:
    """The events that are written, in order.

    Raises:
        IntegrityError: One is damaged, or not the site's erasure of that number.
    """
    for number, erasure in enumerate(store.erasures.all()):
        file = _file(store, number)
        if not file.exists():
            continue
        try:
            content = file.read_bytes()
            told = json.loads(content)
            wanted = (SCHEMA, store.fingerprint, number, erasure.mark, erasure.job)
            if tuple(told[name] for name in ("schema", "site", "number", "mark", "job")) != wanted:
                raise IntegrityError(f"the event of erasure {number} is another one's")
        except OSError as error:
            raise KeyStoreError(f"the event of erasure {number} cannot be read") from error
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"the event of erasure {number} is damaged") from error
        yield Event(number, content, told)


def _found(store: KeyStore, event: Event, ledger: Ledger) -> Anchor | None:
    anchor = ledger.find(event.commitment)
    if anchor is None and _anchored(store, event.number).exists():
        raise AnchorError(f"erasure {event.number} was anchored, and the ledger does not know its event")
    return anchor


def _file(store: KeyStore, number: int) -> Path:
    return store.folder / FOLDER / f"{number:05d}.json"


def _anchored(store: KeyStore, number: int) -> Path:
    return _file(store, number).with_suffix(".anchor.json")
