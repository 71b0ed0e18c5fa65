"""Opens the key store for a command: the passphrase comes from the environment, a file or the terminal, never argv."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.results.keystore import KeyStore
    from sievert.settings import Settings

PrivateKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--private-key", help="File with the private key that opens (default: the key store's own).", metavar="FILE"
    ),
]


def open_store(settings: Settings, *, private: Path | None = None) -> KeyStore:
    """The key store that the settings name; a passphrase is asked for when the private key is needed and has one.

    Raises:
        KeyStoreError: There is none.
    """
    from pipelines.results.keystore import KeyStore

    return KeyStore(
        settings.store.keys,
        passphrase=lambda: find_passphrase(settings),
        private=private,
        actor=settings.audit.actor,
    )


def find_passphrase(settings: Settings, *, twice: bool = False) -> bytes | None:
    """From `SIEVERT_PASSPHRASE`, else the file in the settings, else the terminal; None where there is none of these.

    Args:
        settings: Name the file.
        twice: Whether one typed on the terminal is new, and so is to be typed again.

    Raises:
        KeyStoreError: The file cannot be read, or others may read it.
        PassphraseError: What was typed differs.
    """
    from sievert.settings import PASSPHRASE_VARIABLE

    if given := os.environ.get(PASSPHRASE_VARIABLE):
        return given.encode()
    if settings.store.passphrase_file:
        return _from_file(settings)
    return _typed(twice=twice) if sys.stdin.isatty() else None


@contextlib.contextmanager
def withheld_passphrase(settings: Settings) -> Iterator[Callable[[], bytes | None]]:
    """The passphrase for the one process that may open results: meanwhile it is out of the environment.

    Processes that are started would inherit it with the environment, and workers must hold nothing that opens. Nobody
    is asked on the terminal: a screening may have to start without a person.
    """
    from sievert.settings import PASSPHRASE_VARIABLE

    given = os.environ.pop(PASSPHRASE_VARIABLE, None)
    try:
        yield lambda: given.encode() if given else _from_file(settings)
    finally:
        if given is not None:
            os.environ[PASSPHRASE_VARIABLE] = given


def _from_file(settings: Settings) -> bytes | None:
    from pipelines.results.keys.keyfiles import read_secret

    file = settings.store.passphrase_file
    return read_secret(file).rstrip(b"\r\n") or None if file else None


def _typed(*, twice: bool) -> bytes | None:
    from getpass import getpass

    from sievert.errors import PassphraseError

    typed = getpass("passphrase of the private key: ")
    if twice and getpass("the same again: ") != typed:
        raise PassphraseError("the two passphrases differ")
    return typed.encode() or None


@contextlib.contextmanager
def table_progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal while tables of keys are gone over; nothing in a pipe."""
    where = console.stderr()
    if not where.is_terminal:
        yield lambda *_: None
        return
    from rich.progress import Progress

    with Progress(console=where, transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
