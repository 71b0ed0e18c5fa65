"""Writes a model package: all of it in a folder beside its place, then in one move."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.package import FILES, file_list, hash_files
from sievert.errors import OutFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


@contextmanager
def open_draft(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` that becomes `out` once everything in it has been written.

    Nothing is seen at `out` before; where something goes wrong nothing is left. A package that is there already is
    replaced; a reader may find none between the two renames that this takes.

    Args:
        out: Where the package shall lie; its parents are made.

    Raises:
        OutFolderError: Something lies there that is no package.
        OSError: The folder cannot be written.
    """
    check_out(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        yield draft
        (draft / FILES).write_bytes(file_list(hash_files(draft)))
        _swap(draft, out, aside=Path(scratch) / "replaced")


def check_out(out: Path) -> None:
    """Refuse a place that something else has taken, before any work is done for it.

    Args:
        out: Where a package shall lie.

    Raises:
        OutFolderError: Something lies there that is no package.
    """
    taken = out.exists() and not (out / FILES).is_file()
    if taken and (not out.is_dir() or any(out.iterdir())):
        raise OutFolderError(f"{out.name!r} is there and is no model package", remedy="Name another --out folder.")


def write_part(draft: Path, name: str, content: bytes | str | BaseModel | dict[str, Any]) -> None:
    """Write one file of a package.

    Args:
        draft: The package's folder.
        name: Of the file in it, one of `models.package.PARTS`.
        content: Bytes as they are, text as UTF-8, a record or a dictionary as JSON.
    """
    file = draft / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        content = json.dumps(content, indent=2, allow_nan=False) + "\n"
    elif not isinstance(content, bytes | str):
        content = content.model_dump_json(indent=2, by_alias=True) + "\n"
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def _swap(draft: Path, out: Path, *, aside: Path) -> None:
    if out.exists():
        out.rename(aside)
    draft.rename(out)
    shutil.rmtree(aside, ignore_errors=True)
