"""`sievert compare`: networks of the zoo side by side, on the same terms."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.options import ClusterAddress, effective
from sievert.cli.training import ChannelsOption, DataArgument, ScopeOption, SetOption, SizeOption, ViewsOption

if TYPE_CHECKING:
    from pipelines.flows.comparing.order import CompareOrder

QUICK = {"training.epochs": 2, "training.batch_size": 64}
"""What `--quick` changes: enough to see that all of it works, nothing to believe a figure of."""
TERMS = {"training.threads": 1, "training.keep": "last", "training.mixup": 0.3}
"""Of every row, unless `--set` says otherwise. Each network is trained on a core of its own, because several at once
fill a machine better than threads do; the last epoch is kept, because validation splits are small; all get mixup,
because it helped the hybrid (docs/zoo.md)."""


def compare(
    data: DataArgument,
    *,
    out: Annotated[Path, typer.Option(help="Folder for packages, searches and tables; resumes.")] = Path("compared"),
    arch: Annotated[
        str, typer.Option(help="Networks, with commas; differences are told against the last.", metavar="NAME,...")
    ] = "cnn,resnet50,unet,vit,hybrid",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings a network.")] = 3,
    trials: Annotated[int, typer.Option(min=0, help="Trials of tuning a network; 0: its starting values.")] = 0,
    taught: Annotated[
        str,
        typer.Option(
            help="Rows to train once more, each seed taught by all seeds of its row; rows of their own.",
            metavar="NAME,...",
        ),
    ] = "",
    teachers: Annotated[
        str, typer.Option(help="Rows that teach those, all seeds together; default: its own.", metavar="NAME,...")
    ] = "",
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Passes over the training split, for all alike; default: as many as show 44,000 images, 5 to 80.",
        ),
    ] = None,
    size: SizeOption = "28",
    channels: ChannelsOption = 1,
    views: ViewsOption = "both",
    choose: SetOption = None,
    scope: ScopeOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="One seed, two passes: to see that it works.")] = False,
    address: ClusterAddress = None,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Train, measure and time networks on the same data, and print the tables.

    Every row gets the same trials, the same passes over the images, the same tricks and the same input size. Run the
    same command again to go on after an interruption.
    """
    from pipelines.flows.comparing.order import CompareOrder
    from sievert.cli.training import make_order, read_scope_file

    base = make_order("hybrid", size, channels=channels, views=views, scope=read_scope_file(scope))
    given = QUICK if quick else {} if epochs is None else {"training.epochs": epochs}
    order = CompareOrder(
        base,
        _read_names(arch),
        1 if quick else seeds,
        trials,
        _read_choices(given, choose),
        taught=_read_names(taught),
        teachers=_read_names(teachers),
    )
    summary = _run(data, out, order, address)
    _write(summary, out)
    if json:
        console.print_json(summary)
    else:
        _show(summary)
    console.stderr().print(f"wrote {console.plain(out / 'compare.html')}, compare.md and compare.json")


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _read_choices(given: dict[str, Any], choose: list[str] | None) -> dict[str, Any]:
    from models.training.choices import parse_choices
    from models.training.precision import quick_on_cpu

    return {**TERMS, "training.precision": quick_on_cpu(), **given, **parse_choices(choose or ())}


def _run(data: Path, out: Path, order: CompareOrder, address: str | None) -> dict[str, Any]:
    from cluster.session import open_session
    from pipelines.flows.comparing.run import compare as run
    from pipelines.flows.comparing.summary import summarise

    where = console.stderr()
    with open_session(effective(None, cluster__address=address).cluster):
        rows, read = run(data, out, order, says=lambda line: where.print(line, markup=False))
        return summarise(rows, read, order)


def _write(summary: dict[str, Any], out: Path) -> None:
    from pipelines.evaluation.compare_page import write_page
    from pipelines.evaluation.compare_tables import make_tables, to_markdown
    from pipelines.results.disk import disk_errors

    with disk_errors("the tables could not be written"):
        (out / "compare.json").write_text(json_module.dumps(summary, indent=2) + "\n", "utf-8")
        (out / "compare.md").write_text(to_markdown(make_tables(summary)), "utf-8")
        (out / "compare.html").write_text(write_page(summary), "utf-8")


def _show(summary: dict[str, Any]) -> None:
    from rich.table import Table

    from pipelines.evaluation.compare_tables import make_tables, to_markdown

    if not console.stdout().is_terminal:
        console.stdout().print(to_markdown(make_tables(summary)), markup=False)
        return
    for one in make_tables(summary):
        table = Table(
            *one.head, title=one.title, caption=one.note or None, caption_justify="left", title_justify="left"
        )
        for row in one.rows:
            table.add_row(*row)
        console.stdout().print(table)
