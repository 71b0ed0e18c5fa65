"""What the commands print: people's lines on stderr, one JSON object for machines on stdout."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from sievert.errors import SievertError


@dataclass
class _Mode:
    """How this invocation speaks; set by the options below, before a command's body runs."""

    verbose: bool = False
    json: bool = False


MODE = _Mode()


def _set_verbose(value: bool) -> bool:  # noqa: FBT001 - typer's callback signature
    MODE.verbose = MODE.verbose or value
    return value


def _set_json(value: bool) -> bool:  # noqa: FBT001 - typer's callback signature
    MODE.json = MODE.json or value
    return value


JsonFlag = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on stdout, for machines.", callback=_set_json, is_eager=True),
]
VerboseFlag = Annotated[
    bool, typer.Option("--verbose", "-v", help="On an error, show the details.", callback=_set_verbose, is_eager=True)
]


def stderr() -> Console:
    """The console for people: stderr, so that stdout stays clean for machines."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def stdout() -> Console:
    """The console for a command's answer where no JSON was asked for."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def print_json(answer: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
    """Print one JSON object (or list) on stdout; ASCII, so that a file name of any bytes can be told."""
    sys.stdout.write(json.dumps(answer, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def report_error(error: SievertError) -> None:
    """One line for people on stderr; with `--json` also one object on stdout."""
    where = f" (record {error.record})" if error.record else ""
    stderr().print(f"[bold red]error[/]: {_plain(error.message)}{where}. {_plain(error.remedy)}", markup=True)
    if MODE.json:
        print_json(
            {
                "error": type(error).__name__,
                "message": error.message,
                "remedy": error.remedy,
                "record": error.record,
                "exit_code": error.exit_code,
            }
        )


def plain(value: object) -> str:
    """A value as text that a terminal can show: no markup, no control characters, no bytes that are no Unicode."""
    from rich.markup import escape

    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return escape("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text))


def _plain(text: str) -> str:
    return plain(text.rstrip("."))
