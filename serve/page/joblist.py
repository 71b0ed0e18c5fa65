"""Finds the jobs in a folder of results: the folder itself, or folders up to two levels below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.outfolder import OutFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEEPEST = 2


def find_jobs(results: Path) -> list[OutFolder]:
    """Out folders, finished or growing, in the order of their names; links are not followed."""
    return sorted(_below(results, DEEPEST), key=lambda out: out.path)


def _below(folder: Path, levels: int) -> Iterator[OutFolder]:
    out = OutFolder(folder)
    if out.job.is_file():
        yield out
    elif levels:
        for path in _folders(folder):
            yield from _below(path, levels - 1)


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and path.name[0] != "."]
    except OSError:
        return []
