"""What goes wrong beside the answers, kept where any process of the service can see it."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sievert.errors import DeliveryError, LedgerError, SievertError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOG = logging.getLogger("sievert.serve")
ROLLING, TELLING = "problem.txt", "telling-problem.txt"
_PASSING = (LedgerError, DeliveryError)


class Troubles:
    """One kind of work's: what went wrong in the last pass, in a file among the rolling jobs.

    Args:
        results: Folder of the rolling jobs.
        name: Of the file.

    Attributes:
        last: What went wrong; empty where all is well.
    """

    def __init__(self, results: Path, name: str) -> None:
        self._file, self._now, self.last = results / name, "", ""

    @contextmanager
    def one_pass(self) -> Iterator[None]:
        """Inside, jobs are worked on one by one; at its end it is said what went wrong, or that nothing did."""
        self._now = ""
        yield
        with suppress(OSError):
            if self._now:
                self._file.write_text(self._now, "utf-8")
            else:
                self._file.unlink(missing_ok=True)
        self.last = self._now

    @contextmanager
    def alone(self, doing: str) -> Iterator[None]:
        """Keep one job's failure from the others; it names no record. It is logged when it is new."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - an unforeseen one is named by its kind only
            self._now = f"{doing} failed: {error.message if isinstance(error, SievertError) else type(error).__name__}"
            if self._now != self.last:
                _LOG.log(logging.WARNING if isinstance(error, _PASSING) else logging.ERROR, self._now)


def read_troubles(results: Path) -> str:
    """What went wrong last, of every kind of work; empty where all is well."""
    told = []
    for name in (ROLLING, TELLING):
        with suppress(OSError):
            told.append((results / name).read_text("utf-8"))
    return "; ".join(told)
