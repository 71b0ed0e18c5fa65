"""`sievert deidentify` and `sievert reidentify`: DICOM that may leave the hospital, and the way back."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.grouping import group_inputs
from sievert.cli.keyring import PrivateKeyFile, open_store
from sievert.cli.options import ConfigFile, KeysFolder, effective

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.admit.series.grouping import Series
    from pipelines.flows.deidentify import Told
    from sievert.records import Reason
    from sievert.settings import Settings


def deidentify(
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs, manifests, archives, URLs.", metavar="INPUT...", show_default=False
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="Folder for the de-identified studies.", metavar="DIR")],
    retain_dates: Annotated[
        bool | None, typer.Option("--retain-dates", help="Keep intervals: dates move by the patient's own days.")
    ] = None,
    retain_device: Annotated[
        bool | None, typer.Option("--retain-device", help="Keep what identifies the device.")
    ] = None,
    retain_characteristics: Annotated[
        bool | None, typer.Option("--retain-characteristics", help="Keep sex, age (90 at most), size, weight.")
    ] = None,
    pixels: Annotated[
        str | None, typer.Option("--pixels", help="Text in pixels: mask, refuse or leave.", metavar="WAY")
    ] = None,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Write DICOM studies again without identity (PS3.15 Annex E), each with a report of what was done.

    Patients, studies and dates get new names by a keyed function: the same in every run of the site. Who they were is
    sealed in the key store; `sievert reidentify` opens it. Run the same command again to go on after an interruption.
    """
    settings = effective(
        config,
        store__keys=keys,
        deidentify__retain_modified_dates=retain_dates,
        deidentify__retain_device=retain_device,
        deidentify__retain_characteristics=retain_characteristics,
        deidentify__pixels=pixels,
    )
    found, others = group_inputs(inputs, to, settings)
    done = _deidentify(found, to, settings)
    if as_json:
        console.print_json({"studies": done, "files_left_out": dict(others)})
    else:
        _tell(done, others, to)
    _refuse_nothing(done)


def reidentify(
    *,
    patient: Annotated[str, typer.Argument(help="The pseudonym: 32 hexadecimal digits.", metavar="PATIENT")],
    keys: KeysFolder = None,
    private_key: PrivateKeyFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Say who a patient is that `sievert deidentify` gave a pseudonym. What it prints is patient data; it is logged."""
    from pipelines.results.custody.reidentifying import reidentify as look_up

    known = look_up(open_store(effective(config, store__keys=keys), private=private_key), patient)
    if as_json:
        console.print_json({"patient": patient, "studies": known})
    else:
        _tell_identity(known)


def _deidentify(found: list[Series], to: Path, settings: Settings) -> list[Told]:
    from rich.progress import Progress

    from pipelines.flows.deidentify import Terms, deidentify_studies, group_studies
    from pipelines.results.custody.creating import create_key_store

    studies = group_studies(found)
    create_key_store(settings.store.keys.absolute())
    terms = Terms(to.absolute(), settings.store.keys.absolute(), settings.admit, settings.deidentify)
    children = max(1, min(len(os.sched_getaffinity(0)), sum(len(study.sources) for study in studies)))
    with Progress(console=console.stderr(), transient=True) as bar:
        task = bar.add_task("de-identifying studies", total=len(studies))
        done = []
        for told in deidentify_studies(studies, terms, children=children):
            done.append(told)
            bar.advance(task)
    return done


def _tell(done: list[Told], others: Counter[Reason], to: Path) -> None:
    out = console.stdout()
    written, blanked = (sum(len(told[name]) for told in done) for name in ("written", "blanked"))
    good = sum(bool(told["written"]) for told in done)
    out.print(f"[bold]{written}[/] files of {good} studies in {console.plain(to)}; text blanked in {blanked}")
    for text, number in _refusals(done).most_common():
        out.print(f"{number} files refused: {text}", markup=False)
    for kind, number in others.most_common():
        out.print(f"{number} files left out: {kind.explanation}", markup=False)


def _refusals(done: Iterable[Told]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for told in done:
        for refused in told["refused"]:
            counted[refused["explanation"]] += refused["files"]
    return counted


def _tell_identity(known: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("patient id", "issuer", "name", "study", "new study", "days earlier", box=None)
    for entry in known:
        row = [entry.get(name, "") for name in ("patient_id", "issuer", "patient_name", "study", "new_study")]
        table.add_row(*(console.plain(str(value)) for value in row), str(entry.get("days_earlier", "")))
    console.stdout().print(table)


def _refuse_nothing(done: list[Told]) -> None:
    from sievert.errors import NothingAdmittedError

    if not any(told["written"] for told in done):
        raise NothingAdmittedError("no object could be de-identified")
