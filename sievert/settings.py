"""The one frozen tree of settings: defaults, `sievert.toml`, `SIEVERT_*`, flags, in that order.

A setting is named by its path (`admit.min_side_px`), in `sievert.toml` as a table's key and in the environment as
`SIEVERT_ADMIT__MIN_SIDE_PX`. Unknown keys are refused. A function receives its branch, never the tree.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
)

from sievert.errors import ConfigError

ENV_PREFIX = "SIEVERT_"
CONFIG_VARIABLE = "SIEVERT_CONFIG"
CONFIG_NAME = "sievert.toml"
OTHER_VARIABLES = frozenset(
    {CONFIG_VARIABLE, "SIEVERT_DATA", "SIEVERT_SHARED", "SIEVERT_LEDGER_KEY", "SIEVERT_LEDGER_PASSPHRASE"}
)
"""Variables that are no settings: two tell tests and benchmarks where real images are, the last two are secrets."""


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


class AdmitSettings(Branch):
    """The compliance policy: what may be screened."""

    min_side_px: PositiveInt = Field(default=64, description="Fewest rows and columns of an image.")
    max_pixels: PositiveInt = Field(
        default=100_000_000, description="Most pixels an image may declare; more is refused before decoding."
    )
    min_bits: PositiveInt = Field(default=8, le=16, description="Fewest bits stored a pixel.")
    max_file_bytes: PositiveInt = Field(default=1 << 30, description="Largest file that is read.")
    undeclared: Literal["assume", "refuse"] = Field(
        default="assume",
        description=(
            "A picture without a header (PNG, JPEG) and without a manifest's word says neither modality nor "
            "body part: `assume` takes the operator's choice of model as that word and writes so into the record, "
            "`refuse` quarantines it."
        ),
    )
    allow_burned_in: bool = Field(
        default=False, description="Admit images whose header says that text is burned into the pixels."
    )
    allow_for_processing: bool = Field(default=False, description="Admit raw (FOR PROCESSING) images.")


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

    keys: Path = Field(
        default_factory=lambda: user_data_dir() / "keys",
        description="Key store folder (mode 0700, files 0600). Workers on other machines need it at this path.",
    )
    ledger: Path = Field(
        default_factory=lambda: user_data_dir() / "ledger.sqlite",
        description="File of the embedded ledger.",
    )

    @field_validator("keys", "ledger")
    @classmethod
    def _expand_home(cls, place: Path) -> Path:
        return place.expanduser()


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
    keystore: Path | None = Field(
        default=None,
        description="rpc: the signer's keystore file (version 3). Left out: its key is in `SIEVERT_LEDGER_KEY`.",
    )
    passphrase_file: Path | None = Field(
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
    locks: Path = Field(
        default_factory=lambda: user_data_dir() / "signers",
        description="rpc: folder of the locks by which processes on one machine take turns with a signer.",
    )

    @field_validator("keystore", "passphrase_file", "locks")
    @classmethod
    def _expand_home(cls, place: Path | None) -> Path | None:
        return place.expanduser() if place else None


class Settings(Branch):
    """The tree."""

    cohort: CohortSettings = CohortSettings()
    admit: AdmitSettings = AdmitSettings()
    predict: PredictSettings = PredictSettings()
    decide: DecideSettings = DecideSettings()
    cluster: ClusterSettings = ClusterSettings()
    store: StoreSettings = Field(default_factory=StoreSettings)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Effective settings and, by path, where each value that is no default came from."""

    settings: Settings
    origins: dict[str, str]


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Read the tree once, at the door.

    Args:
        flags: Values by path (`{"store.keys": path}`); None values are left out.
        config: The file to read; else `SIEVERT_CONFIG`, else `sievert.toml` in the current folder or in the user's
            configuration directory, whichever comes first, else none.
        environment: Instead of the process's.

    Raises:
        ConfigError: A file cannot be read, a key is unknown, or a value cannot be what it is.
    """
    environment = os.environ if environment is None else environment
    layers = [
        *_file_layer(config or _config_file(environment)),
        *((path, value, f"environment {name}") for name, path, value in _environment_values(environment)),
        *((path, value, "flag") for path, value in (flags or {}).items() if value is not None),
    ]
    tree: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for path, value, origin in layers:
        _plant(tree, path, value)
        origins[path] = origin
    return Loaded(_validated(tree, origins), origins)


def flat(branch: Branch, prefix: str = "") -> dict[str, Any]:
    """Every setting by its path, in the order of definition."""
    found: dict[str, Any] = {}
    for name in type(branch).model_fields:
        value = getattr(branch, name)
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Branch) else {prefix + name: value}
    return found


def _config_file(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get(CONFIG_VARIABLE):
        return Path(named)
    places = (Path(CONFIG_NAME), platformdirs.user_config_path("sievert") / CONFIG_NAME)
    return next((place for place in places if place.is_file()), None)


def _file_layer(file: Path | None) -> list[tuple[str, Any, str]]:
    if file is None:
        return []
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"the settings file {file} cannot be read: {error}"
        raise ConfigError(message) from error
    return [(path, value, f"file {file}") for path, value in _leaves(tables)]


def _leaves(tables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tables.items():
        path = f"{prefix}{key}"
        found += _leaves(value, f"{path}.") if isinstance(value, Mapping) else [(path, value)]
    return found


def _environment_values(environment: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """`SIEVERT_ADMIT__MIN_BITS=12` → (name, `admit.min_bits`, `12`).

    A name of ours that is no setting is most likely one misspelt: with one `_` for two.
    """
    strange = [name for name in environment if name.startswith(ENV_PREFIX) and "__" not in name]
    if strange := sorted(set(strange) - OTHER_VARIABLES):
        raise ConfigError(f"environment {strange[0]} is no setting; a setting's name has two underscores in the middle")
    return [
        (name, name.removeprefix(ENV_PREFIX).lower().replace("__", "."), value)
        for name, value in sorted(environment.items())
        if name.startswith(ENV_PREFIX) and "__" in name
    ]


def _plant(tree: dict[str, Any], path: str, value: object) -> None:
    *branches, leaf = path.split(".")
    for name in branches:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"`{name}` is a value and a table at once, in `{path}`")
    tree[leaf] = value


def _validated(tree: dict[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        origin = next((origins[key] for key in origins if key.startswith(path)), "default")
        raise ConfigError(f"setting `{path}` ({origin}): {first['msg'].lower()}") from error
