"""The account that signs: a keystore file or a key from the environment, shown nowhere and sent nowhere."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from sievert.errors import LedgerError
from sievert.settings import LEDGER_KEY_VARIABLE as KEY_VARIABLE
from sievert.settings import LEDGER_PASSPHRASE_VARIABLE as PASSPHRASE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

_KEY: Any = re.compile("(0x)?(?P<digits>[0-9a-fA-F]{64})")
_NO_SIGNER = f"Set ledger.keystore (and ledger.passphrase_file or {PASSPHRASE_VARIABLE}), or {KEY_VARIABLE}."


class Secret:
    """A text that neither repr, str nor pickle shows."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "Secret()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not sent to another process")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: its bytes as sent, and its hash (`0x…`)."""

    raw: bytes
    hash: str


class Account:
    """An open account.

    Args:
        key: The secp256k1 key, hexadecimal.

    Raises:
        LedgerError: It is none.
    """

    def __init__(self, key: Secret) -> None:
        from eth_account import Account as Accounts

        try:
            # checked here: a key that lost digits would be filled up with zeros, and be another account's
            self._account: Any = Accounts.from_key(bytes.fromhex(_KEY.fullmatch(key.text.strip())["digits"]))
        except Exception:  # noqa: BLE001 - several libraries' errors, some of which quote the key
            raise LedgerError("the signer's key is no secp256k1 key", remedy=_NO_SIGNER) from None
        self.address: str = self._account.address

    def __repr__(self) -> str:
        return f"Account({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not sent to another process")

    def sign(self, transaction: dict[str, Any]) -> Signed:
        """Sign an EIP-1559 transaction."""
        signed = self._account.sign_transaction({"type": 2, "value": 0, **transaction})
        return Signed(bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex())


@dataclass(frozen=True, slots=True)
class SignerSource:
    """Where the signer's key comes from.

    Attributes:
        keystore: A keystore file (Web3 Secret Storage, version 3); it comes first.
        passphrase_file: Its passphrase, in a file; a line's end behind it does not count.
        key: The key itself, hexadecimal.
        passphrase: The keystore's passphrase.
    """

    keystore: Path | None = None
    passphrase_file: Path | None = None
    key: Secret | None = field(default=None, repr=False)
    passphrase: Secret | None = field(default=None, repr=False)

    @classmethod
    def of_environment(cls, keystore: Path | None, passphrase_file: Path | None) -> SignerSource:
        """Take the secrets out of the environment, so that processes started later do not inherit them."""
        key, passphrase = (os.environ.pop(name, None) for name in (KEY_VARIABLE, PASSPHRASE_VARIABLE))
        return cls(keystore, passphrase_file, Secret(key) if key else None, Secret(passphrase) if passphrase else None)

    def open(self) -> Account:
        """Read and decrypt the key; a keystore takes about a second.

        Raises:
            LedgerError: There is no signer, its file cannot be read, or the passphrase does not open it.
        """
        if self.keystore:
            return Account(self._decrypt(self.keystore))
        if self.key is None:
            raise LedgerError("the ledger needs a signer", remedy=_NO_SIGNER)
        return Account(self.key)

    def _decrypt(self, keystore: Path) -> Secret:
        from eth_account import Account as Accounts

        passphrase = self._passphrase()
        try:
            return Secret(bytes(Accounts.decrypt(json.loads(keystore.read_bytes()), passphrase.text)).hex())
        except OSError as fault:
            raise LedgerError("the signer's keystore cannot be read", remedy=_NO_SIGNER) from fault
        except (ValueError, TypeError, KeyError, NotImplementedError):
            raise LedgerError(
                "the signer's keystore is none of version 3, or the passphrase does not open it", remedy=_NO_SIGNER
            ) from None

    def _passphrase(self) -> Secret:
        if self.passphrase_file is None:
            if self.passphrase is None:
                raise LedgerError("the signer's keystore needs a passphrase", remedy=_NO_SIGNER)
            return self.passphrase
        try:
            return Secret(self.passphrase_file.read_text("utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError):
            raise LedgerError("the file with the signer's passphrase cannot be read", remedy=_NO_SIGNER) from None
