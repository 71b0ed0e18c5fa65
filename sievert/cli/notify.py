"""`sievert notify`: tells whom the settings name of what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import PrivateKeyFile, open_store
from sievert.cli.options import ConfigFile, KeysFolder, OutArgument, effective

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.notify.notifier import Told

app = typer.Typer(
    no_args_is_help=True, help="Notices: tell clinicians what was found, see what waits, acknowledge what was seen."
)

NoticeIds = Annotated[
    list[str] | None, typer.Argument(help="Ids of notices or records.", metavar="[ID]...", show_default=False)
]
WantedIds = Annotated[list[str], typer.Argument(help="Ids of notices or records.", metavar="ID...", show_default=False)]
_FOLLOW_EVERY_S = 2.0


@app.command()
def send(
    *,
    folder: OutArgument,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Go on until the job is finished and anchored and nothing waits, for a receiver or for an answer.",
        ),
    ] = False,
    keys: KeysFolder = None,
    private_key: PrivateKeyFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Tell what is due: results that are stored, updates of the anchor, escalations. Safe to repeat and to interrupt.

    Everything is told at least once, with an id by which receivers drop repeats. Needs the private key.
    """
    from pipelines.notify.channels import open_channels
    from pipelines.notify.notifier import open_notifier
    from pipelines.results.mirror import mirror_at
    from pipelines.results.outfolder import OutFolder

    settings = effective(config, store__keys=keys)
    routes = open_channels(settings.notify)
    store, out = open_store(settings, private=private_key), OutFolder(folder.absolute())
    mirror = mirror_at(out.path)
    with open_notifier(out, store, settings=settings.notify, routes=routes) as notifier:
        sent, told = 0, notifier.run_once()
        while follow and not told.is_over:
            sent += told.sent
            _progress(told, sent)
            notifier.pause(_FOLLOW_EVERY_S)
            if mirror:
                mirror.refresh()
            told = notifier.run_once()
    answer = _described(told, sent + told.sent)
    console.print_json(answer) if as_json else _tell(answer)
    _leave(told)


@app.command("list")
def list_(
    *,
    folder: OutArgument,
    waiting: Annotated[bool, typer.Option("--waiting", help="What has not arrived yet.")] = False,
    sent: Annotated[bool, typer.Option("--sent", help="What has arrived.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="What was refused, or given up.")] = False,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List notices and what became of them; all, or those of the states asked for. Opens nothing."""
    from pipelines.notify.queueview import listed

    asked = {name for name, wanted in (("waiting", waiting), ("sent", sent), ("dead", dead)) if wanted}
    rows = [row for row in listed(_queue_file(folder, keys, config)) if not asked or row["state"] in asked]
    if as_json:
        console.print_json(rows)
        return
    from rich.table import Table

    names = ("notice", "urgency", "stage", "channel", "state", "attempts", "acknowledged", "problem")
    table = Table(*names, box=None)
    for row in rows:
        table.add_row(*("" if row[name] is None else console.plain(row[name]) for name in names))
    console.stdout().print(table)


@app.command()
def retry(
    *,
    folder: OutArgument,
    ids: NoticeIds = None,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Put dead letters, all or some, back among what waits; `sievert notify send` sends them."""
    from pipelines.notify.answering import retry_notices

    again = retry_notices(_out(folder), open_store(effective(config, store__keys=keys)), ids or None)
    if as_json:
        console.print_json({"waiting_again": again})
    else:
        console.stdout().print(f"{again} dead letter(s) wait again", markup=False)


@app.command()
def acknowledge(
    *,
    folder: OutArgument,
    ids: WantedIds,
    by: Annotated[
        str | None, typer.Option("--by", help="Who has seen it (default: the account).", metavar="NAME")
    ] = None,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Say that somebody has seen what was told, so that it is not escalated. The audit log keeps who."""
    from pipelines.notify.answering import acknowledge_notices

    fresh = acknowledge_notices(_out(folder), open_store(effective(config, store__keys=keys)), ids, by=by)
    if as_json:
        console.print_json({"acknowledged": fresh, "before": len(ids) - len(fresh)})
    else:
        console.stdout().print(f"{len(fresh)} notice(s) acknowledged", markup=False)


def _out(folder: Path) -> Any:  # noqa: ANN401 - the class is imported late
    from pipelines.results.outfolder import OutFolder

    return OutFolder(folder.absolute())


def _queue_file(folder: Path, keys: Path | None, config: Path | None) -> Path:
    from pipelines.notify.queuefile import queue_place
    from pipelines.results.outfolder import read_job

    return queue_place(effective(config, store__keys=keys).store.keys, read_job(_out(folder)).job)


def _described(told: Told, sent: int) -> dict[str, Any]:
    unread = told.unread
    return {
        "sent_now": sent,
        **told.standing.described(),
        "unanswered": told.unanswered,
        "shards_unshared": unread.unshared,
        "shards_damaged": unread.damaged,
        "is_over": told.is_over,
    }


def _progress(told: Told, sent: int) -> None:
    if told.sent:
        there = told.standing
        console.stderr().print(f"{sent} sent, {there.waiting} waiting, {there.dead} dead", markup=False)


def _tell(answer: dict[str, Any]) -> None:
    out = console.stdout()
    out.print(
        f"{answer['sent_now']} sent now; of {answer['notices']} notices: {answer['sent']} deliveries arrived, "
        f"{answer['waiting']} wait, {answer['dead']} are dead letters, {answer['unanswered']} notices unanswered",
        markup=False,
    )
    if answer["erased"]:
        out.print(f"{answer['erased']} notice(s) dropped: their patients were erased", markup=False)
    if answer["shards_unshared"]:
        out.print(f"{answer['shards_unshared']} shard(s) left out: not wrapped for this private key", markup=False)


def _leave(told: Told) -> None:
    """What could not be read, did not arrive, or was refused is an error, after all else was told."""
    from sievert.errors import DeliveryError, RefusedNoticeError

    if told.unread.problem is not None:
        raise told.unread.problem
    if told.standing.dead:
        raise typer.Exit(_warn(RefusedNoticeError, f"{told.standing.dead} notice(s) were refused or given up"))
    if told.standing.failing:
        raise typer.Exit(_warn(DeliveryError, f"{told.standing.failing} notice(s) did not arrive yet"))


def _warn(kind: Any, what: str) -> int:  # noqa: ANN401 - a class of errors
    console.stderr().print(f"[bold yellow]{what}[/]. {kind.advice}")
    return int(kind.exit_code)
