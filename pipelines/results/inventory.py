"""Lists the files of an out folder and folds records and files into the job's one root."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from pipelines.results.leaves import file_leaf
from pipelines.results.outfolder import OutFolder, canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipelines.results.tree import Frontier

FILES_SCHEMA = "sievert.files/1"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file under the anchored root.

    Attributes:
        name: Relative to the out folder, with forward slashes.
        size: Bytes.
        sha256: Of its content, hexadecimal.
    """

    name: str
    size: int
    sha256: str


def list_files(out: OutFolder, *, drafts: bool = True) -> list[ListedFile]:
    """Every file of the folder, sorted by name, but for the list itself and the anchor that comes after it.

    What is no file of ours (a link, an empty folder, a pipe) stands in the list too, as `name/`: it must show.

    Args:
        out: The folder.
        drafts: Whether drafts and the outbox of a run in progress count. In an anchored job there are none, so one
            must show.
    """
    left_out = {out.files, out.anchor, *(() if drafts else out.pending)}
    paths = sorted(path for path in out.path.rglob("*") if not left_out & {path, *path.parents})
    with disk_errors("a file of the out folder could not be read"):
        return [_listed(path, out.path) for path in paths if not _is_full_folder(path)]


def encode_files(job: str, *, leaves: int, root: bytes, files: Iterable[ListedFile]) -> bytes:
    """`files.json`: the list, the number of leaves before the files' own, and the root over both.

    Args:
        job: The job's commitment.
        leaves: Number of records.
        root: Over records and files.
        files: Sorted by name.
    """
    listed = [{"name": file.name, "bytes": file.size, "sha256": file.sha256} for file in files]
    return canonical_json({"schema": FILES_SCHEMA, "job": job, "records": leaves, "root": root.hex(), "files": listed})


def add_files(frontier: Frontier, files: Iterable[ListedFile]) -> bytes:
    """Append the files' leaves behind the records' and return the job's root."""
    frontier.extend(file_leaf(name=file.name, digest=file.sha256) for file in files)
    return frontier.root()


def _is_full_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and any(path.iterdir())


def _listed(path: Path, folder: Path) -> ListedFile:
    name = path.relative_to(folder).as_posix()
    if path.is_symlink() or not path.is_file():
        return ListedFile(f"{name}/", 0, hashlib.sha256(b"not a file").hexdigest())
    with path.open("rb") as content:
        return ListedFile(name, path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())
