"""Opens the ledger that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.ledger.embedded import EmbeddedLedger
from pipelines.results.ledger.rpc.account import SignerSource
from pipelines.results.ledger.rpc.ledger import Chain, RpcLedger
from pipelines.results.ledger.rpc.terms import Terms
from sievert.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.results.ledger.interface import Ledger
    from sievert.settings import LedgerSettings

_WEI_A_GWEI = 10**9


def open_ledger(settings: LedgerSettings, *, file: Path, outbox: Path | None = None) -> Ledger:
    """The ledger of the settings; nothing is read or asked yet, but secrets are taken out of the environment.

    Args:
        settings: The branch.
        file: The embedded ledger's.
        outbox: Of the job that is to be anchored; a ledger that is only asked needs none.

    Raises:
        ConfigError: A setting that this kind needs is missing.
        LedgerError: The job's anchor was signed for another ledger already.
    """
    if settings.kind == "embedded":
        _require_unsigned(outbox)
        return EmbeddedLedger(file)
    return RpcLedger(
        open_chain(settings), open_signer(settings), terms=terms_of(settings), locks=settings.locks, outbox=outbox
    )


def open_chain(settings: LedgerSettings) -> Chain:
    """Where the registry is, of an rpc ledger.

    Raises:
        ConfigError: A setting is missing, or the address has a wrong checksum (EIP-55).
    """
    if settings.contract is None:
        raise _missing("contract")
    return Chain(node_url(settings), wanted_chain(settings), _with_checksum(settings.contract), settings.timeout_s)


def node_url(settings: LedgerSettings) -> str:
    """The node's URL.

    Raises:
        ConfigError: It is missing, or of another kind than http.
    """
    if settings.url is None:
        raise _missing("url")
    url = settings.url.get_secret_value()
    if not url.startswith(("http://", "https://")):
        raise ConfigError("setting `ledger.url` begins with neither https:// nor http://")
    return url


def wanted_chain(settings: LedgerSettings) -> int:
    """The id that the chain must have.

    Raises:
        ConfigError: It is missing.
    """
    if settings.chain_id is None:
        raise _missing("chain_id")
    return settings.chain_id


def open_signer(settings: LedgerSettings) -> SignerSource:
    """Where the signer's key comes from; secrets are taken out of the environment."""
    return SignerSource.of_environment(settings.keystore, settings.passphrase_file)


def terms_of(settings: LedgerSettings) -> Terms:
    """How long is waited and how much is paid."""
    return Terms(
        confirmations=settings.confirmations,
        max_fee=round(settings.max_fee_gwei * _WEI_A_GWEI),
        wait_s=settings.wait_s,
        bump_after_s=settings.bump_after_s,
    )


def _require_unsigned(outbox: Path | None) -> None:
    """One job is anchored on one ledger."""
    from pipelines.results.ledger.rpc.outbox import Outbox

    if outbox and outbox.exists() and Outbox(outbox).attempts():
        raise LedgerError(
            "the job's anchor is on its way to another ledger already",
            remedy="Set the ledger.* settings to that ledger: one job is anchored on one.",
        )


def _with_checksum(address: str) -> str:
    from eth_utils import is_checksum_address, is_checksum_formatted_address, to_checksum_address

    if is_checksum_formatted_address(address) and not is_checksum_address(address):
        raise ConfigError("setting `ledger.contract` has a wrong checksum (EIP-55): a digit or its case is mistyped")
    return str(to_checksum_address(address))


def _missing(name: str) -> ConfigError:
    return ConfigError(f"setting `ledger.{name}` is missing: an rpc ledger needs it")
