"""`sievert audit`: who did what to keys and results, and whether the log is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import open_store
from sievert.cli.options import ConfigFile, KeysFolder, as_written, effective, results_folder

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.results.auditing import AuditCheck

app = typer.Typer(invoke_without_command=True)


@app.callback()
def audit(
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option("--since", help="Print entries from this day or moment on (ISO 8601, UTC).")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            help="A finished job: its anchored head must be in the log. May be repeated.",
            metavar="DIR",
            parser=as_written,
            callback=results_folder(),
        ),
    ] = None,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Print the audit log and check its chain; an entry that was removed, changed or moved is named by number.

    That the log was not cut short, only jobs can tell: name them with --out, and prove them with `sievert verify`.
    """
    if context.invoked_subcommand is not None:
        return
    from pipelines.results.auditing import audit_key_store, read_anchored_head

    start = _moment(since) if since else None
    heads = [head for folder in out or [] if (head := read_anchored_head(folder.absolute()))]
    check = audit_key_store(open_store(effective(config, store__keys=keys)), heads)
    shown = [entry for entry in check.entries if start is None or _is_since(entry, start)]
    _print_json(check, shown, len(heads)) if as_json else _tell(check, shown, len(heads))
    if check.faults:
        from sievert.errors import AuditError

        raise typer.Exit(AuditError.exit_code)


@app.command()
def prune(
    *,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Drop entries older than `audit.retain_days` and leave a checkpoint that the chain goes on from."""
    from datetime import UTC, datetime, timedelta

    from pipelines.results.audit import AuditLog
    from pipelines.results.auditing import audit_key_store
    from sievert.errors import AuditError

    settings = effective(config, store__keys=keys)
    log = AuditLog(settings.store.keys, who=settings.audit.actor)
    if audit_key_store(open_store(settings)).faults:
        raise AuditError("the audit log is not whole, so nothing of it is dropped")
    dropped = log.prune(datetime.now(UTC) - timedelta(days=settings.audit.retain_days))
    if as_json:
        console.print_json({"dropped": dropped, "retain_days": settings.audit.retain_days})
    else:
        console.stdout().print(f"{dropped} entries older than {settings.audit.retain_days} days dropped")


def _moment(text: str) -> datetime:
    from datetime import UTC, datetime

    from sievert.errors import ConfigError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("--since is no date", remedy="Give it as 2026-11-30 or 2026-11-30T08:00:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_since(entry: dict[str, Any], start: datetime) -> bool:
    """An entry whose time cannot be read is shown: it must not hide."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(entry["time"]) >= start
    except (KeyError, TypeError, ValueError):
        return True


def _print_json(check: AuditCheck, shown: list[dict[str, Any]], heads: int) -> None:
    console.print_json(
        {
            "whole": not check.faults,
            "entries": check.head.entries,
            "head": check.head.head,
            "pruned": check.pruned,
            "jobs_held_against": heads,
            "faults": [{"entry": number, "problem": problem} for number, problem in check.faults],
            "log": shown,
        }
    )


def _tell(check: AuditCheck, shown: list[dict[str, Any]], heads: int) -> None:
    out, err = console.stdout(), console.stderr()
    for entry in shown:
        about = ", ".join(f"{name} {_short(value)}" for name, value in dict(entry.get("about") or {}).items())
        told = f"{entry.get('n')}  {entry.get('time')}  {entry.get('who')}  {entry.get('what')}  {about}"
        out.print(console.plain(told))
    for _, problem in check.faults:
        err.print(f"[bold red]not as written[/]: {console.plain(problem)}")
    if not check.faults:
        against = f"; {heads} job(s) agree" if heads else "; name finished jobs with --out to see that it was not cut"
        out.print(f"[bold green]whole[/]: {check.head.entries} entries{against}")


def _short(value: object) -> str:
    return f"({len(value)})" if isinstance(value, list) else str(value)
