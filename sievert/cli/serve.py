"""`sievert serve`: answers online, and says how the service does."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ClusterAddress, ConfigFile, KeysFolder, LedgerFile, effective, volume_folder
from sievert.cli.servekeys import app as keys_app

if TYPE_CHECKING:
    from typer._click.core import Context  # typer's own copy of click, which its group's signature names

    from serve.hosting.running import Running

RESULTS = Path("sievert-results")
_LOOK_S = 0.5


class ModelOrCommand(TyperGroup):
    """`sievert serve default` names a model where another group would look for a command."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the command that is meant in front, unless one is named."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["start", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=ModelOrCommand, help="Answer online: `sievert serve MODEL...`, its status, its API keys.")
app.add_typer(keys_app, name="key")


@app.command()
def start(
    *,
    models: Annotated[
        list[str] | None, typer.Argument(help="Names or folders of model packages (default: default).", metavar="MODEL")
    ] = None,
    results: Annotated[
        Path,
        typer.Option(
            "--results",
            help="Folder of results: what is answered is sealed into it.",
            metavar="DIR",
            parser=volume_folder,
        ),
    ] = RESULTS,
    shelf: Annotated[
        Path | None,
        typer.Option(
            "--shelf", help="Folder of further packages, which share replicas and are opened when asked.", metavar="DIR"
        ),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on (default: this machine).")] = None,
    port: Annotated[int | None, typer.Option("--port", help="HTTP port (default: 8800).")] = None,
    address: ClusterAddress = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", help="Certificate chain, PEM: speak HTTPS.", metavar="FILE")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its private key, PEM.", metavar="FILE")] = None,
    keys: KeysFolder = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Serve models until Ctrl-C: inference, studies, and the worklist page, on one port.

    Without any other way to sign in, it prints a token that holds for this run. On SIGHUP, packages that were replaced,
    or put on the shelf, are taken up, replica by replica.
    """
    from serve.hosting.running import running_service

    settings = effective(
        config,
        serve__shelf=shelf,
        serve__host=host,
        serve__port=port,
        serve__tls_cert=tls_cert,
        serve__tls_key=tls_key,
        cluster__address=address,
        store__keys=keys,
        store__ledger=ledger,
    )
    stdout, stopped, changed = sys.stdout, threading.Event(), _hangups()
    _stop_at_signals(stopped)
    with console.stderr().status("starting the service"):
        service = running_service(models or ["default"], results, settings)
        running = service.__enter__()
    _stop_at_signals(stopped)  # Ray has put its own handler of SIGTERM in the place of ours: it aborts the process
    try:
        _tell(running, as_json=as_json, stdout=stdout)
        while not stopped.wait(_LOOK_S):
            if changed.is_set():
                changed.clear()
                _reload(running)
        console.stderr().print("ending: what is in hand is answered, sealed and anchored")
    finally:
        service.__exit__(None, None, None)


@app.command()
def status(
    *,
    url: Annotated[str, typer.Option("--url", help="Where the service listens.")] = "http://127.0.0.1:8800",
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Say how a service does: models, replicas, what waits, what is not anchored yet; SIEVERT_TOKEN signs in."""
    from serve.api.asking import ask_status

    told = ask_status(url)
    if as_json:
        console.print_json(told)
        return
    for line in _lines(told):
        console.stdout().print(line)


@app.command()
def dashboard(*, verbose: VerboseFlag = False) -> None:  # noqa: ARG001 - its callback has set it
    """Print a Grafana dashboard of a service's metrics, JSON: import it and choose the Prometheus."""
    from serve.operations.shipped import dashboard as shipped

    typer.echo(shipped(), nl=False)


@app.command()
def alerts(*, verbose: VerboseFlag = False) -> None:  # noqa: ARG001 - its callback has set it
    """Print rules for Prometheus, YAML: what should wake somebody; docs/operations.md says what to do then."""
    from serve.operations.shipped import alert_rules

    typer.echo(alert_rules(), nl=False)


def _stop_at_signals(stopped: threading.Event) -> None:
    """Ctrl-C and SIGTERM end the service in good order; a second one at once."""

    def stop(number: int, _: object) -> None:
        if stopped.is_set():
            signal.default_int_handler(number, None)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _hangups() -> threading.Event:
    """SIGHUP: packages may have been replaced."""
    changed = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: changed.set())
    return changed


def _reload(running: Running) -> None:
    """A package that cannot be used costs nothing: what was served goes on."""
    from sievert.errors import SievertError

    try:
        names = running.reload()
    except SievertError as error:
        console.report_error(error)
        return
    told = f"taken up: {', '.join(names)}" if names else "no package has changed"
    console.stderr().print(told)


def _tell(running: Running, *, as_json: bool, stdout: Any) -> None:  # noqa: ANN401 - a text stream
    """Where it listens; the token goes to the terminal only, or to who asked for JSON."""
    if as_json:
        import json

        told = {"url": running.url, "models": [model.name for model in running.models], "token": running.token}
        stdout.write(json.dumps(told) + "\n")
        stdout.flush()
        return
    shown = console.stderr()
    shown.print(f"[bold]serving[/] {', '.join(model.name for model in running.models)} at [bold]{running.url}[/]")
    if running.token:
        shown.print(f"sign in with this token, which holds for this run: [bold]{running.token}[/]")
    shown.print("Ctrl-C ends it")


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [f"[bold]{told['status']}[/], {told['unanchored']} rolling job(s) not anchored yet"]
    lines += [
        f"  {model['name']} {model['version']}: {model['replicas']} replica(s), {model['status']}"
        for model in told["models"]
    ]
    if told["problem"]:
        lines.append(f"[bold yellow]{console.plain(told['problem'])}[/]")
    return lines
