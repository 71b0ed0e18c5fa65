"""`sievert serve key`: API keys, by which machines show the online service who they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, effective

if TYPE_CHECKING:
    from serve.access.apikeys import ApiKey, ApiKeys

app = typer.Typer(no_args_is_help=True, help="Add, list and revoke API keys of the online service.")

StateFolder = Annotated[
    Path | None,
    typer.Option("--state", help="The service's state (default: in the user's data directory).", metavar="FOLDER"),
]
_DAY_S = 86_400


@app.callback()
def key_() -> None:
    """Add, list and revoke API keys of the online service."""


@app.command()
def add(
    *,
    name: Annotated[str, typer.Argument(help="What the machine is called in the audit log; no patient's name.")],
    role: Annotated[
        list[str],
        typer.Option(
            "--role", help="What it is: submitter, reader, clinician, auditor, operator or admin; repeatable."
        ),
    ],
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="It is refused after so many days.")] = 365,
    state: StateFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Make a key and print it, once: only a hash of it is kept."""
    from serve.access.principal import Role
    from sievert.errors import ConfigError

    try:
        roles = [Role(one) for one in role]
    except ValueError as error:
        raise ConfigError("there is no such role", remedy=f"The roles are: {', '.join(Role)}.") from error
    made, text = _opened(config, state).add(name, roles, lifetime_s=days * _DAY_S)
    if as_json:
        console.print_json({**_described(made), "key": text})
        return
    typer.echo(text)
    console.stderr().print(f"the key of {console.plain(name)}, good for {days} day(s); it is shown this once")


@app.command("list")
def list_(
    *,
    state: StateFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List keys, revoked and expired ones too; none is shown whole."""
    listed = [_described(one) for one in _opened(config, state).all()]
    if as_json:
        console.print_json(listed)
        return
    for one in listed:
        roles = ", ".join(one["roles"])
        console.stdout().print(
            f"{one['id']}  …{one['last_4']}  {console.plain(one['name'])} ({roles})  {one['state']}, "
            f"expires {one['expires'][:10]}"
        )


@app.command()
def revoke(
    *,
    name: Annotated[str, typer.Argument(help="Name or id of a key.", metavar="NAME")],
    state: StateFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Have a key refused: running replicas see it within a second, and its sessions end with it."""
    revoked = _opened(config, state).revoke(name)
    if as_json:
        console.print_json(_described(revoked))
        return
    console.stdout().print(f"revoked: {console.plain(revoked.name)} ({revoked.id})")


def _opened(config: Path | None, state: Path | None) -> ApiKeys:
    from serve.access.apikeys import ApiKeys

    return ApiKeys(effective(config, serve__state=state).serve.state.absolute())


def _described(key: ApiKey) -> dict[str, Any]:
    """For machines: without salt and digest."""
    import time
    from datetime import UTC, datetime

    created, expires = (datetime.fromtimestamp(at, UTC).isoformat() for at in (key.created, key.expires))
    holds = "active" if key.holds(time.time()) else "revoked" if key.revoked else "expired"
    about = {"id": key.id, "name": key.name, "roles": sorted(key.roles), "state": holds}
    return {**about, "created": created, "expires": expires, "last_4": key.last_4}
