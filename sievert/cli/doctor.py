"""`sievert doctor`: what this machine has, what is missing, and how to get it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, effective

if TYPE_CHECKING:
    from pathlib import Path

    from sievert.settings import Settings

EXTRAS = {"ledger-dev": "vyper", "dev": "pytest"}
"""Optional extras, and a distribution that tells whether one is installed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        subject: What was looked at.
        state: `ok`, `absent` (fine without) or `missing` (needed).
        told: What was found.
        remedy: How to get what is not there; empty where nothing is wanting.
    """

    subject: str
    state: str
    told: str
    remedy: str = ""


def doctor(
    *,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Say what this machine has, what is missing, and how to get it."""
    findings = examine(effective(config))
    if as_json:
        console.print_json({finding.subject: asdict(finding) for finding in findings})
        return
    from rich.table import Table

    colours = {"ok": "green", "absent": "yellow", "missing": "red"}
    table = Table("", "", "found", "to get it", box=None)
    for finding in findings:
        state = f"[{colours[finding.state]}]{finding.state}[/]"
        table.add_row(finding.subject, state, console.plain(finding.told), console.plain(finding.remedy))
    console.stdout().print(table)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a screening needs."""
    return [
        *_machine(),
        _ray(settings),
        _model(),
        _keys(settings.store.keys),
        _ledger(settings),
        *_extras(),
    ]


def _machine() -> list[Finding]:
    from cluster.machine import count_cores, describe_system, list_gpus, memory_gib

    gpus = list_gpus()
    return [
        Finding("system", "ok", describe_system()),
        Finding("cores", "ok", str(count_cores())),
        Finding("memory", "ok", f"{memory_gib():.1f} GiB"),
        Finding("GPUs", "ok" if gpus else "absent", ", ".join(gpus) or "none", "" if gpus else "not needed: CPUs do"),
    ]


def _ray(settings: Settings) -> Finding:
    where = settings.cluster.address or "a local session when needed"
    return _distribution("ray", f"{{}}; {where}", "pip install 'ray[data]'")


def _model() -> Finding:
    from models.package import load_package
    from sievert.errors import ModelError

    try:
        package = load_package("default")
    except ModelError as error:
        return Finding("model default", "missing", error.message, "install Sievert again")
    return Finding("model default", "ok", f"{package.metadata.version}, {package.digest[:12]}")


def _keys(folder: Path) -> Finding:
    from pipelines.results.keystore import KeyStore
    from sievert.errors import KeyStoreError

    if not folder.exists():
        return Finding("key store", "absent", f"none at {folder}", "the first screening makes one")
    try:
        return Finding("key store", "ok", f"{folder}, key {KeyStore(folder).fingerprint}")
    except KeyStoreError as error:
        return Finding("key store", "missing", error.message, error.remedy)


def _ledger(settings: Settings) -> Finding:
    from pipelines.results.ledger import open_ledger
    from sievert.errors import SievertError

    file, is_embedded = settings.store.ledger, settings.ledger.kind == "embedded"
    if is_embedded and not file.exists():
        return Finding("ledger", "absent", f"none at {file}", "the first screening makes one")
    try:
        open_ledger(settings.ledger, file=file).check()
    except SievertError as error:
        return Finding("ledger", "missing", error.message, error.remedy)
    told = (
        f"{file}, embedded, whole" if is_embedded else f"chain {settings.ledger.chain_id}, {settings.ledger.contract}"
    )
    return Finding("ledger", "ok", told)


def _extras() -> list[Finding]:
    return [
        _distribution(name, "{}", f"pip install 'sievert[{extra}]'", optional=f"extra {extra}")
        for extra, name in EXTRAS.items()
    ]


def _distribution(name: str, told: str, remedy: str, *, optional: str = "") -> Finding:
    try:
        return Finding(optional or name, "ok", told.format(f"{name} {version(name)}"))
    except PackageNotFoundError:
        return Finding(optional or name, "absent" if optional else "missing", f"{name} is not installed", remedy)
