"""What the worklist page needs of the site: the key that opens, the ledger, and what people said."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.results.keys.keyfiles import read_secret
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import open_ledger
from serve.access.middleware import SIGN_OUT
from serve.page.casebook import CaseBook
from serve.page.reviews import Reviews
from serve.page.router import page_router
from serve.page.verification import Verifier

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import APIRouter

    from sievert.settings import Settings

_LOG = logging.getLogger("sievert.serve")


@dataclass(frozen=True, slots=True)
class Worklist:
    """The page's objects.

    Attributes:
        book: Of the cases; started.
        reviews: What people said.
        router: The routes.
    """

    book: CaseBook
    reviews: Reviews
    router: APIRouter

    def close(self) -> None:
        """Stop looking for new cases, and let go of the file."""
        self.book.stop()
        self.reviews.close()


def open_worklist(results: Path, online: Path, settings: Settings) -> Worklist:
    """Open what the page shows; its index is built in the background.

    Args:
        results: Folder of the results, or one out folder.
        online: Folder of the rolling jobs.
        settings: The tree.
    """
    keys = open_keys(settings)
    reviews = Reviews(settings.serve.state.absolute(), identity_key=keys.identity_key)
    book = CaseBook(results, keys, reviews, beside=online)
    ledger = open_ledger(settings.ledger, file=settings.store.ledger.absolute())
    router = page_router(book, reviews, verifier=Verifier(book, ledger), sign_out=SIGN_OUT)
    book.start()
    return Worklist(book, reviews, router)


def open_keys(settings: Settings) -> KeyStore:
    """The key store, with what opens its private key where a process of the service can have it."""
    return KeyStore(
        settings.store.keys.absolute(), passphrase=lambda: _passphrase(settings), actor=settings.audit.actor
    )


def _passphrase(settings: Settings) -> bytes | None:
    """From its file only: a terminal's or an environment's would have to travel through Ray."""
    file = settings.store.passphrase_file
    return read_secret(file).rstrip(b"\r\n") or None if file else None
