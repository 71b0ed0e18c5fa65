"""Makes a key store: identity key, the site's key pair, its own entry among the recipients, the first wrapping key."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipelines.results.disk import disk_errors, sync_folder
from pipelines.results.keys.keyfiles import encode_private, encode_public, write_secret
from pipelines.results.keys.recipients import SITE, Recipients, make_recipient
from pipelines.results.keys.wrapping import WrappingState, find_provider, write_state
from pipelines.results.keystore import IDENTITY, IDENTITY_BYTES, PRIVATE, PUBLIC, KeyStore
from sievert.errors import KeyStoreError

if TYPE_CHECKING:
    from pathlib import Path


def create_key_store(
    folder: Path, *, passphrase: bytes | None = None, wrapping: str = "local", vault: dict[str, str] | None = None
) -> KeyStore:
    """Open the key store of a folder; make it where there is none.

    Two that make it at once end with one: it is made aside and moved into place whole.

    Args:
        folder: Where it is to be.
        passphrase: For the private key of a new store.
        wrapping: Provider of a new store's wrapping keys.
        vault: Where the Vault is, for the provider of that name.

    Raises:
        StorageError: And its kinds: the folder cannot be made.
        KeyStoreError: What is there is no key store.
        WrappingKeyError: The provider gives no key.
    """
    if not (folder / IDENTITY).exists():
        with disk_errors("the key store could not be made"):
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_aside(folder, passphrase, wrapping, vault)
    return KeyStore(folder, passphrase=lambda: passphrase)


def _make_aside(folder: Path, passphrase: bytes | None, wrapping: str, vault: dict[str, str] | None) -> None:
    draft = folder.with_name(f".{folder.name}.{uuid4().hex}")
    draft.mkdir(mode=0o700)
    try:
        _fill(draft, passphrase)
        current = find_provider(draft, wrapping, vault).renew(None)
        write_state(draft, WrappingState(current, vault=vault))
        made = KeyStore(draft)
        made.log("created", recipient=made.fingerprint, wrapping=current)
        draft.rename(folder)  # onto an empty folder or none; fails where another was quicker
        sync_folder(folder)
        sync_folder(folder.parent)
    except OSError:
        if not (folder / IDENTITY).exists():
            raise KeyStoreError("the folder named as key store holds something else") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, passphrase: bytes | None) -> None:
    private = X25519PrivateKey.generate()
    write_secret(draft / IDENTITY, os.urandom(IDENTITY_BYTES))
    write_secret(draft / PRIVATE, encode_private(private, passphrase))
    write_secret(draft / PUBLIC, encode_public(private.public_key()))
    Recipients(draft).put(make_recipient(SITE, SITE, private.public_key()))
