"""Wrapping keys: the outer layer around a table of wrapped data keys, and which one is current.

Each table has a key of its own, made anew whenever the table is written, wrapped under the current wrapping key
(docs/adr/0008). Once every table is under a new wrapping key and the old one is destroyed, older copies of the tables
are worthless. `KEYS/wrapping.json` says which key is current and which ones a rotation has yet to destroy.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipelines.results.disk import write_whole
from sievert.errors import WrappingKeyError

if TYPE_CHECKING:
    from pathlib import Path

WRAPPING_SCHEMA = "sievert.wrapping/1"
WRAPPING_FILE = "wrapping.json"
PROVIDERS = ("local", "environment", "vault", "pkcs11")


class WrappingKey(Protocol):
    """A key that wraps the keys of tables."""

    @property
    def id(self) -> str:
        """Names it in tables: the provider's name, a colon, the provider's own name for the key."""

    def wrap(self, key: bytes) -> bytes:
        """Encrypt a table's key, 32 bytes.

        Raises:
            WrappingKeyError: The key cannot be had.
        """

    def unwrap(self, wrapped: bytes) -> bytes:
        """Decrypt what `wrap` made.

        Raises:
            WrappingKeyError: It was wrapped under another key, or the key cannot be had.
        """


class WrappingProvider(Protocol):
    """Where wrapping keys are kept."""

    def find(self, name: str) -> WrappingKey:
        """The key that an id names.

        Raises:
            WrappingKeyError: It is not there, or was destroyed.
        """

    def renew(self, current: str | None) -> str:
        """Make the key that comes after the current one, or find it made, and return its id."""

    def destroy(self, name: str) -> None:
        """Make a key unusable for ever; safe to repeat."""


@dataclass(frozen=True, slots=True)
class WrappingState:
    """Which wrapping keys there are.

    Attributes:
        current: Id of the key that new tables are written under; None in stores of before there were any.
        retiring: Ids of keys that a rotation destroys once no table is under them.
        vault: Address, mount and key name of a Vault, where one has keys.
        schema: Version of the format.
    """

    current: str | None = None
    retiring: tuple[str, ...] = ()
    vault: dict[str, str] | None = field(default=None)
    schema: str = WRAPPING_SCHEMA


def read_state(folder: Path) -> WrappingState:
    """The state of a key store's wrapping keys.

    Raises:
        WrappingKeyError: The file is damaged.
    """
    file = folder / WRAPPING_FILE
    if not file.exists():
        return WrappingState()
    try:
        fields = json.loads(file.read_bytes())
        return WrappingState(**{**fields, "retiring": tuple(fields["retiring"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WrappingKeyError(f"{WRAPPING_FILE} of the key store is damaged") from error


def write_state(folder: Path, state: WrappingState) -> None:
    """Replace the state.

    Raises:
        StorageError: And its kinds.
    """
    write_whole(folder / WRAPPING_FILE, json.dumps(asdict(state), indent=1).encode(), drafts=folder, mode=0o600)


def find_provider(folder: Path, name: str, vault: dict[str, str] | None) -> WrappingProvider:
    """The provider of a name.

    Args:
        folder: The key store's.
        name: One of `PROVIDERS`.
        vault: Where the Vault is.

    Raises:
        WrappingKeyError: There is none of that name.
    """
    if name == "local":
        from pipelines.results.keys.wrapping_local import LocalKeys

        return LocalKeys(folder)
    if name == "environment":
        from pipelines.results.keys.wrapping_environment import EnvironmentKeys

        return EnvironmentKeys()
    if name == "pkcs11":
        from pipelines.results.keys.wrapping_token import TokenKeys

        return TokenKeys()
    if name == "vault" and vault is None:
        raise WrappingKeyError("no Vault is named", remedy="Name it with --vault-address and --vault-key.")
    if name == "vault" and vault is not None:
        from pipelines.results.keys.wrapping_vault import VaultKeys, VaultPlace

        return VaultKeys(VaultPlace(**vault))
    raise WrappingKeyError("a table was written under a wrapping key of a kind that is not known here")


def find_wrapping_key(folder: Path, name: str) -> WrappingKey:
    """The wrapping key of an id.

    Raises:
        WrappingKeyError: It cannot be had.
    """
    return find_provider(folder, name.partition(":")[0], read_state(folder).vault).find(name)
