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
from typing import Any

import platformdirs
from pydantic import Field, ValidationError

from sievert.branchadmit import AdmitSettings, QualitySettings
from sievert.branchclusters import SubmitProfile
from sievert.branchdeidentify import DeidentifySettings, DeviceRule
from sievert.branchdocuments import DicomSettings, FhirSettings
from sievert.branches import (
    AuditSettings,
    Branch,
    ClusterSettings,
    CohortSettings,
    DecideSettings,
    LedgerSettings,
    PredictSettings,
    StoreSettings,
    user_data_dir,
)
from sievert.branchnotify import EscalationDelays, MailSettings, NotifyRule, NotifySettings, WebhookSettings
from sievert.branchplan import ClusterProfile, PlanSettings
from sievert.branchserve import DicomListenerSettings, OidcSettings, ServeSettings
from sievert.branchtelemetry import TelemetrySettings
from sievert.errors import ConfigError

__all__ = [
    "AdmitSettings",
    "AuditSettings",
    "Branch",
    "ClusterProfile",
    "ClusterSettings",
    "CohortSettings",
    "DecideSettings",
    "DeidentifySettings",
    "DeviceRule",
    "DicomListenerSettings",
    "DicomSettings",
    "EscalationDelays",
    "FhirSettings",
    "LedgerSettings",
    "Loaded",
    "MailSettings",
    "NotifyRule",
    "NotifySettings",
    "OidcSettings",
    "PlanSettings",
    "PredictSettings",
    "QualitySettings",
    "ServeSettings",
    "Settings",
    "StoreSettings",
    "SubmitProfile",
    "TelemetrySettings",
    "WebhookSettings",
    "flat",
    "load_settings",
    "user_data_dir",
]

ENV_PREFIX = "SIEVERT_"
CONFIG_VARIABLE = "SIEVERT_CONFIG"
CONFIG_NAME = "sievert.toml"
PASSPHRASE_VARIABLE = "SIEVERT_PASSPHRASE"  # noqa: S105 - a variable's name
WRAPPING_KEYS_VARIABLE = "SIEVERT_WRAPPING_KEYS"
PKCS11_MODULE_VARIABLE = "SIEVERT_PKCS11_MODULE"
PKCS11_TOKEN_VARIABLE = "SIEVERT_PKCS11_TOKEN"  # noqa: S105 - a variable's name
PKCS11_PIN_VARIABLE = "SIEVERT_PKCS11_PIN"
PKCS11_PIN_FILE_VARIABLE = "SIEVERT_PKCS11_PIN_FILE"
DICOMWEB_TOKEN_VARIABLE = "SIEVERT_DICOMWEB_TOKEN"  # noqa: S105 - a variable's name
LEDGER_KEY_VARIABLE = "SIEVERT_LEDGER_KEY"
LEDGER_PASSPHRASE_VARIABLE = "SIEVERT_LEDGER_PASSPHRASE"  # noqa: S105 - a variable's name
FHIR_TOKEN_VARIABLE = "SIEVERT_FHIR_TOKEN"  # noqa: S105 - a variable's name
STOW_TOKEN_VARIABLE = "SIEVERT_STOW_TOKEN"  # noqa: S105 - a variable's name
WEBHOOK_SECRET_VARIABLE = "SIEVERT_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
MAIL_PASSWORD_VARIABLE = "SIEVERT_MAIL_PASSWORD"  # noqa: S105 - a variable's name
TOKEN_VARIABLE = "SIEVERT_TOKEN"  # noqa: S105 - a variable's name
SECRET_VARIABLES = frozenset(
    {
        PASSPHRASE_VARIABLE,
        WRAPPING_KEYS_VARIABLE,
        DICOMWEB_TOKEN_VARIABLE,
        PKCS11_PIN_VARIABLE,
        LEDGER_KEY_VARIABLE,
        LEDGER_PASSPHRASE_VARIABLE,
        FHIR_TOKEN_VARIABLE,
        STOW_TOKEN_VARIABLE,
        WEBHOOK_SECRET_VARIABLE,
        MAIL_PASSWORD_VARIABLE,
        TOKEN_VARIABLE,
    }
)
OTHER_VARIABLES = SECRET_VARIABLES | {
    CONFIG_VARIABLE,
    PKCS11_MODULE_VARIABLE,
    PKCS11_TOKEN_VARIABLE,
    PKCS11_PIN_FILE_VARIABLE,
    "SIEVERT_DATA",
    "SIEVERT_URL",
    "SIEVERT_SHARED",
}
"""Variables that are no settings: secrets, which none may be, what differs from machine to machine, real images."""


class Settings(Branch):
    """The tree."""

    cohort: CohortSettings = CohortSettings()
    admit: AdmitSettings = AdmitSettings()
    deidentify: DeidentifySettings = DeidentifySettings()
    predict: PredictSettings = PredictSettings()
    decide: DecideSettings = DecideSettings()
    cluster: ClusterSettings = ClusterSettings()
    clusters: dict[str, SubmitProfile] = Field(
        default_factory=dict, description="Profiles by name, as tables `[clusters.NAME]`: where jobs are submitted to."
    )
    store: StoreSettings = Field(default_factory=StoreSettings)
    audit: AuditSettings = AuditSettings()
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    notify: NotifySettings = NotifySettings()
    serve: ServeSettings = Field(default_factory=ServeSettings)
    plan: PlanSettings = PlanSettings()


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
        origin = next(
            (origins[key] for key in origins if key.startswith(path) or path.startswith(f"{key}.")), "default"
        )
        raise ConfigError(f"setting `{path}` ({origin}): {first['msg'].lower()}") from error
