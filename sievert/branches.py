"""The branches of the tree of settings: every setting, its default, and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

Place = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path that may begin with `~`."""


def user_data_dir() -> Path:
    """The user's data directory for Sievert (XDG on Linux)."""
    return platformdirs.user_data_path("sievert")


class Branch(BaseModel):
    """A frozen table of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CohortSettings(Branch):
    """How inputs become a plan."""

    shard_size: PositiveInt | None = Field(
        default=None,
        description="Inputs a shard, a power of two; left out: 16 to 1,024, about 64 shards a job.",
    )


class PredictSettings(Branch):
    """How the network runs."""

    batch_size: PositiveInt = Field(default=16, description="Images a forward pass.")


class DecideSettings(Branch):
    """When a decision is taken and when a person must look."""

    min_confidence: float | None = Field(
        default=None, ge=0.5, le=1, description="Below it: uncertain. Left out: the model package's own."
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Positive from this probability on. Left out: the package's own.",
    )


class ClusterSettings(Branch):
    """Where work runs."""

    address: str | None = Field(
        default=None, description="A Ray cluster to join (`auto`, `host:port`); left out: a local session."
    )
    workers: PositiveInt | None = Field(
        default=None, description="Screening workers; left out: one for each CPU of the session."
    )


class StoreSettings(Branch):
    """Where keys and the ledger are kept; both outside the results."""

    keys: Place = Field(
        default_factory=lambda: user_data_dir() / "keys",
        description="Key store folder (mode 0700, files 0600). Workers on other machines need it at this path.",
    )
    ledger: Place = Field(
        default_factory=lambda: user_data_dir() / "ledger.sqlite",
        description="File of the embedded ledger.",
    )
    mirrors: Place = Field(
        default_factory=lambda: user_data_dir() / "mirrors",
        description="Where results that are kept in a bucket (`--out s3://…`) lie while they are worked on.",
    )
    passphrase_file: Place | None = Field(
        default=None, description="File that holds the passphrase of the private key, mode 0600."
    )


class AuditSettings(Branch):
    """The log of who did what to keys and results."""

    actor: str | None = Field(
        default=None, max_length=200, description="Whom entries name, a service or a person; left out: the account."
    )
    retain_days: int = Field(
        default=183, ge=183, description="Days that `sievert audit prune` keeps; half a year at least."
    )


class LedgerSettings(Branch):
    """Which ledger jobs are anchored on."""

    kind: Literal["embedded", "rpc"] = Field(
        default="embedded",
        description="`embedded`: a chain of its own in the file `store.ledger`; `rpc`: any EVM chain over JSON-RPC.",
    )
    url: SecretStr | None = Field(
        default=None, description="rpc: the node, `https://…` or `http://…`; it may hold an access token."
    )
    chain_id: PositiveInt | None = Field(default=None, description="rpc: the chain's id (EIP-155); another is refused.")
    contract: str | None = Field(
        default=None,
        pattern="^0x[0-9a-fA-F]{40}$",
        description="rpc: the registry's address, as `sievert ledger deploy` prints it.",
    )
    confirmations: PositiveInt = Field(
        default=12, description="rpc: blocks, the anchor's own counted, until an anchor is final."
    )
    keystore: Place | None = Field(
        default=None,
        description="rpc: the signer's keystore file (version 3). Left out: its key is in `SIEVERT_LEDGER_KEY`.",
    )
    passphrase_file: Place | None = Field(
        default=None,
        description="rpc: file with the keystore's passphrase. Left out: it is in `SIEVERT_LEDGER_PASSPHRASE`.",
    )
    max_fee_gwei: PositiveFloat = Field(
        default=100, description="rpc: the most that is paid, in gwei a gas, base fee included."
    )
    timeout_s: PositiveFloat = Field(default=10, description="rpc: how long the node may be silent, in seconds.")
    wait_s: PositiveFloat = Field(
        default=900, description="rpc: how long is waited, in seconds, until an anchor is final; then it stays pending."
    )
    bump_after_s: PositiveFloat = Field(
        default=60, description="rpc: after so many seconds in no block, a transaction is replaced by a dearer one."
    )
    locks: Place = Field(
        default_factory=lambda: user_data_dir() / "signers",
        description="rpc: folder of the locks by which processes on one machine take turns with a signer.",
    )
