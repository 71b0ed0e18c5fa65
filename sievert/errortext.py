"""Errors as text, for channels that carry no exceptions: a dataset's rows, an actor's messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sievert.errors import all_errors

if TYPE_CHECKING:
    from sievert.errors import SievertError


def write_error(error: SievertError, *, trace: str = "") -> str:
    """An error as text, for a channel that carries no exceptions; `read_error` makes it again.

    Args:
        error: The error.
        trace: Lines of code that led to it, shown with `--verbose`.
    """
    fields = {"message": error.message, "remedy": error.remedy, "record": error.record, "stage": error.stage}
    return json.dumps({"kind": type(error).__name__, "trace": trace, **fields})


def read_error(text: str) -> SievertError:
    """The error that `write_error` wrote, of its own kind."""
    fields = json.loads(text)
    kinds = {kind.__name__: kind for kind in all_errors()}
    kind, trace = kinds[fields.pop("kind")], fields.pop("trace")
    error = kind(fields.pop("message"), **fields)
    if trace:
        error.add_note(trace)
    return error
