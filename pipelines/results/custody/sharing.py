"""Shares what is sealed with another recipient, and stops doing so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.results.custody.sweeping import sweep, working_on
from pipelines.results.keys.locks import changing_state
from pipelines.results.keys.recipients import SITE, make_recipient
from pipelines.results.keys.tables import KeyRow, KeyTable, find_tables
from pipelines.results.sealing import unwrap_key, wrap_key
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from pipelines.results.custody.sweeping import Progress
    from pipelines.results.keys.recipients import Recipient
    from pipelines.results.keys.tables import TablePlace
    from pipelines.results.keystore import KeyStore


@dataclass(frozen=True, slots=True)
class Shared:
    """What sharing or revoking changed.

    Attributes:
        recipient: With whom, or no longer with whom.
        tables: Tables written anew.
        keys: Data keys wrapped for the recipient, or removed.
        unreachable: Data keys that could not be shared because the private key at hand does not open them.
    """

    recipient: Recipient
    tables: int = 0
    keys: int = 0
    unreachable: int = 0


class _Sharing:
    """Adds to a table what the recipient lacks."""

    def __init__(self, store: KeyStore, recipient: Recipient) -> None:
        self._store, self._public, self._name = store, recipient.key, recipient.fingerprint
        self.added = self.unreachable = 0

    def __call__(self, place: TablePlace) -> KeyTable | None:
        table = self._store.read(place)
        has = {row.patient for row in table.rows if row.recipient == self._name}
        mine = [row for row in table.rows if row.recipient == self._store.opens_as and row.patient not in has]
        self.unreachable += len({row.patient for row in table.rows} - has - {row.patient for row in mine})
        self.added += len(mine)
        new = [self._rewrapped(row, place) for row in mine]
        return replace(table, rows=[*table.rows, *new]) if new else None

    def _rewrapped(self, row: KeyRow, place: TablePlace) -> KeyRow:
        key = unwrap_key(row.wrapped, private=self._store.private, context=place.context)
        wrapped = wrap_key(key, recipient=self._public, context=place.context)
        return replace(row, recipient=self._name, wrapped=wrapped)


class _Revoking:
    """Takes out of a table what the recipient has."""

    def __init__(self, store: KeyStore, recipient: Recipient) -> None:
        self._store, self._name = store, recipient.fingerprint
        self.removed = 0

    def __call__(self, place: TablePlace) -> KeyTable | None:
        table = self._store.read(place)
        kept = [row for row in table.rows if row.recipient != self._name]
        self.removed += len(table.rows) - len(kept)
        return replace(table, rows=kept) if len(kept) < len(table.rows) else None


def share(
    store: KeyStore,
    public: X25519PublicKey,
    *,
    name: str,
    role: str,
    from_now_on: bool,
    progress: Progress,
) -> Shared:
    """Wrap data keys for a further recipient: new ones from now on, and unless told otherwise those there are.

    Args:
        store: The key store, with its private key at hand unless only new keys are shared.
        public: The recipient's key.
        name: What to call them.
        role: What they are.
        from_now_on: Whether what was sealed up to now stays closed to them.
        progress: Told how many tables of how many are done.

    Raises:
        KeyStoreError: And its kinds.
        StorageError: And its kinds.
    """
    recipient = make_recipient(name, role, public)
    with working_on(store):
        if not from_now_on:
            _ = store.private  # before anything is changed
        _check_name(store, recipient)
        store.log("sharing", recipient=recipient.fingerprint, name=name, from_now_on=from_now_on)
        with changing_state(store.folder):
            if not store.recipients.all():  # a store of before there were files
                store.recipients.put(make_recipient(SITE, SITE, store.public))
            store.recipients.put(recipient)
        sharing = _Sharing(store, recipient)
        swept = 0 if from_now_on else sweep(store, sharing, progress=progress).tables
        store.log("shared", recipient=recipient.fingerprint, name=name, keys=sharing.added)
    return Shared(recipient, swept, sharing.added, sharing.unreachable)


def revoke(store: KeyStore, name: str, *, progress: Progress) -> Shared:
    """Wrap nothing for a recipient any more and remove what was; what they copied or opened is out of reach.

    Args:
        store: The key store; no private key is needed.
        name: The recipient's name or fingerprint.
        progress: Told how many tables of how many are done.

    Raises:
        KeyStoreError: There is no such recipient, or something is wrapped for nobody else.
        StorageError: And its kinds.
    """
    with working_on(store):
        recipient = store.recipients.named(name)
        store.recipients.check_others(recipient)
        _check_others(store, recipient)
        store.log("revoking", recipient=recipient.fingerprint, name=recipient.name)
        with changing_state(store.folder):
            store.recipients.revoke(recipient)
        revoking = _Revoking(store, recipient)
        tables = sweep(store, revoking, progress=progress).tables
        store.log("revoked", recipient=recipient.fingerprint, name=recipient.name, keys=revoking.removed)
    return Shared(recipient, tables, revoking.removed)


def _check_name(store: KeyStore, recipient: Recipient) -> None:
    store.recipients.check(recipient)
    if recipient.fingerprint == store.fingerprint and recipient.name != SITE:
        raise KeyStoreError("this is the site's own key", remedy="Name another public key.")


def _check_others(store: KeyStore, recipient: Recipient) -> None:
    """Revoking must not be erasing: whoever has a key that only this recipient opens is counted, and it is refused."""
    alone = 0
    for place in find_tables(store.folder):
        rows = store.read(place).rows
        others = {row.patient for row in rows if row.recipient != recipient.fingerprint}
        alone += len({row.patient for row in rows} - others)
    if alone:
        raise KeyStoreError(
            f"{alone} data key(s) are wrapped for this recipient alone: nobody could open them any more",
            remedy="Share them with somebody else first, with this recipient's private key at hand.",
        )
