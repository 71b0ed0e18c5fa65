"""Makes the report of a finished job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipelines.results.cases import most_urgent
from pipelines.results.outfolder import OutFolder
from pipelines.results.report import render_report
from sievert.errors import IntegrityError, OutFolderError, UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.results.keystore import KeyStore


def report_job(folder: Path, *, cases: int, keys: Callable[[], KeyStore]) -> str:
    """The report's HTML.

    Args:
        folder: The out folder.
        cases: How many cases to show; 0 opens no key store.
        keys: Gives the key store.

    Raises:
        OutFolderError: The folder holds no job.
        UnfinishedError: The job is not finished.
        KeyStoreError: And its kinds, where cases are asked for.
    """
    out = OutFolder(folder)
    if not out.job.exists():
        raise OutFolderError("the folder holds no job", remedy="Name the --out folder of a screening.")
    if not out.files.exists():
        raise UnfinishedError("the job is not finished: there is nothing to report yet")
    shown = most_urgent(out, keys(), cases) if cases else []
    anchor = _read(out.anchor) if out.anchor.exists() else None
    return render_report(_read(out.manifest), anchor=anchor, cases=shown)


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError(f"{file.name} is missing or damaged") from error
