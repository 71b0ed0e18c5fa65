"""The `sievert` command: registers the commands and turns errors into lines and exit codes."""

from __future__ import annotations

import sys
import traceback

import typer

from sievert.cli import console
from sievert.cli.anchor import anchor
from sievert.cli.audit import app as audit_app
from sievert.cli.compare import compare
from sievert.cli.convert import convert
from sievert.cli.deidentify import deidentify, reidentify
from sievert.cli.demo import demo
from sievert.cli.doctor import doctor
from sievert.cli.duplicates import duplicates
from sievert.cli.evaluate import evaluate
from sievert.cli.export_table import export_table
from sievert.cli.jobs import app as jobs_app
from sievert.cli.keys import app as keys_app
from sievert.cli.ledger import app as ledger_app
from sievert.cli.model import app as model_app
from sievert.cli.notify import app as notify_app
from sievert.cli.open import open_
from sievert.cli.plan import plan
from sievert.cli.pretrain import pretrain
from sievert.cli.prove import prove
from sievert.cli.recipe import app as recipe_app
from sievert.cli.report import report
from sievert.cli.screen import screen
from sievert.cli.serve import app as serve_app
from sievert.cli.settings import settings
from sievert.cli.submit import submit
from sievert.cli.train import train
from sievert.cli.tune import tune
from sievert.cli.verify import verify
from sievert.errors import SievertError

INTERRUPTED = 130
"""Exit code after Ctrl-C (128 + SIGINT)."""

app = typer.Typer(
    name="sievert",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if value:
        from sievert import __version__

        typer.echo(f"sievert {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Screen medical images by the million: results are sealed, provable and explained."""


app.command()(screen)
app.command()(plan)
app.command()(verify)
app.command()(anchor)
app.command("open")(open_)
app.command()(prove)
app.command()(report)
app.command("export-table")(export_table)
app.command()(demo)
app.command()(evaluate)
app.command()(convert)
app.command()(duplicates)
app.command()(deidentify)
app.command()(reidentify)
app.command()(train)
app.command()(tune)
app.command()(compare)
app.command()(pretrain)
app.command()(submit)
app.add_typer(jobs_app, name="jobs")
app.add_typer(serve_app, name="serve")
app.add_typer(model_app, name="model")
app.add_typer(recipe_app, name="recipe")
app.add_typer(ledger_app, name="ledger")
app.add_typer(keys_app, name="keys")
app.add_typer(notify_app, name="notify")
app.add_typer(audit_app, name="audit")
app.command()(settings)
app.command()(doctor)


def main() -> None:
    """Run the command line; leaves the process with the error's own exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; nothing escapes as a traceback."""
    console.MODE.verbose = console.MODE.json = False
    try:
        app(arguments)
    except SystemExit as done:
        return _told(done.code)
    except SievertError as error:
        return _report(error)
    except Exception as unexpected:  # noqa: BLE001 - the front door: nobody else is left to catch it
        return _report(_wrapped(unexpected))
    return 0


def _told(code: object) -> int:
    if code == INTERRUPTED:
        console.stderr().print("interrupted; the same command resumes where it stopped")
    return code if isinstance(code, int) else 0


def _report(error: SievertError) -> int:
    if console.MODE.verbose:
        traceback.print_exception(error)
    console.report_error(error)
    return error.exit_code


def _wrapped(unexpected: Exception) -> SievertError:
    """An error of no class of ours; its text may hold a path or a header, so only its kind is told."""
    error = SievertError(f"something unforeseen went wrong ({type(unexpected).__name__})")
    error.__cause__ = unexpected
    return error
