"""`sievert screen`: the main job."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.anchor import tell_anchor
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import (
    ClusterAddress,
    ConfigFile,
    KeysFolder,
    LedgerFile,
    as_written,
    effective,
    results_folder,
)

if TYPE_CHECKING:
    from pipelines.flows.screen import Screening
    from sievert.settings import Settings


def screen(
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs, manifests, archives, URLs.", metavar="INPUT...", show_default=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Folder for the results, or s3://BUCKET/PREFIX; one job each.",
            metavar="DIR",
            parser=as_written,
            callback=results_folder(reading=False),
        ),
    ],
    model: Annotated[str, typer.Option("--model", help="Name or folder of a model package.")] = "default",
    address: ClusterAddress = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Screening workers (default: one a CPU).")] = None,
    keys: KeysFolder = None,
    ledger: LedgerFile = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Named compliance policy, such as chest-x-ray.", metavar="NAME")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Print what each step cost.")] = False,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Screen images: admit, de-identify, predict, decide, explain, seal, anchor.

    Run the same command again to go on after an interruption.
    """
    settings = effective(
        config,
        admit__preset=policy,
        cluster__address=address,
        cluster__workers=workers,
        store__keys=keys,
        store__ledger=ledger,
    )
    answer = run_screening(inputs, out, model=model, settings=settings)
    if as_json:
        console.print_json(answer)
    else:
        tell(answer)
    if profile and not as_json:
        _tell_profile(answer)
    if not answer["anchored"]:
        _not_anchored(answer)
    if not answer["screened"]:
        _nothing_admitted(answer)


def run_screening(inputs: list[str], out: Path, *, model: str, settings: Settings) -> dict[str, Any]:
    """Run the job with progress on stderr, and return what `--json` prints."""
    from pipelines.flows.screen import screen_cohort
    from sievert.cli.keyring import withheld_passphrase
    from sievert.cli.progress import open_watcher

    with open_watcher() as watcher, withheld_passphrase(settings) as passphrase:
        screening = screen_cohort(inputs, out, model=model, settings=settings, watcher=watcher, passphrase=passphrase)
    return describe(screening, out)


def describe(screening: Screening, out: Path) -> dict[str, Any]:
    """What a machine is told of a finished job."""
    from pipelines.results.mirror import place_name

    finished, place = screening.finished, place_name(out)
    manifest, counts, anchor = finished.manifest, finished.manifest["counts"], finished.anchor or {}
    return {
        "job": manifest["job"],
        "out": place,
        "images": counts["planned"],
        "screened": counts["screened"],
        "flagged": counts["flagged"],
        "quarantined": counts["quarantined"],
        "reasons": counts["reasons"],
        "decisions": counts["decisions"],
        "images_per_second": manifest["images_per_second"],
        "stage_s": counts["stage_s"],
        "root": finished.root,
        "anchored": finished.anchor is not None,
        "not_anchored": finished.problem.message if finished.problem else None,
        "ledger": anchor.get("ledger"),
        "transaction": anchor.get("transaction"),
        "block": anchor.get("block"),
        "resumed": screening.resumed,
        "late_inputs": screening.late,
        "report": f"{place}/report.html",
        "notices": asdict(screening.notices) if screening.notices else None,
    }


def tell(answer: dict[str, Any]) -> None:
    """The same for people."""
    out = console.stdout()
    out.print(
        f"[bold]{answer['screened']}[/] screened, of which [bold]{answer['flagged']}[/] flagged; "
        f"[bold]{answer['quarantined']}[/] quarantined; {answer['images']} planned "
        f"({answer['images_per_second']:.1f} images/s)"
    )
    for reason, count in sorted(answer["reasons"].items()):
        out.print(f"  {count:>7}  {reason}")
    if answer["anchored"]:
        tell_anchor(answer)
    else:
        out.print(f"not anchored yet; root {answer['root']}")
    out.print(f"report: {console.plain(answer['report'])}")


def _tell_profile(answer: dict[str, Any]) -> None:
    """The same that stands in the report, over all workers and runs of the job."""
    from rich.table import Table

    from pipelines.results.report.timing import in_order

    spent, images = answer["stage_s"], max(1, answer["images"])
    table, total = Table("step", box=None), sum(spent.values()) or 1.0
    for name in ("seconds", "ms an image", "share"):
        table.add_column(name, justify="right")
    for stage in in_order(spent):
        seconds = spent[stage]
        table.add_row(stage, f"{seconds:.2f}", f"{seconds / images * 1000:.3f}", f"{seconds / total:.1%}")
    console.stdout().print(table)


def _not_anchored(answer: dict[str, Any]) -> None:
    from sievert.errors import NotAnchoredError

    told = f"[bold yellow]{answer['images']} results stored, not yet anchored[/]"
    console.stderr().print(f"{told}: {console.plain(answer['not_anchored'])}. {NotAnchoredError.advice}")
    raise typer.Exit(NotAnchoredError.exit_code)


def _nothing_admitted(answer: dict[str, Any]) -> None:
    from sievert.errors import NothingAdmittedError

    error = NothingAdmittedError(f"preprocessed data is empty: all {answer['images']} input(s) were quarantined")
    console.stderr().print(f"[bold red]error[/]: {error.message}. {error.remedy}")
    raise typer.Exit(error.exit_code)
