"""Finds what the user's inputs name: files, folders, globs, manifests, archives, media and URLs."""

from __future__ import annotations

import glob
import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipelines.cohort.cohort import Cohort, Part, held
from pipelines.cohort.declared import Declared
from pipelines.cohort.manifests import MANIFEST_SUFFIXES, read_manifest
from pipelines.cohort.media import NAME as DICOMDIR
from pipelines.cohort.media import read_dicomdir
from pipelines.places.archives import DamagedArchiveError, list_members
from pipelines.places.names import is_archive, is_url, name_member
from pipelines.places.remote import list_remote
from sievert.errors import EmptyCohortError, InputMissingError, ManifestError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa


def find_inputs(inputs: Sequence[str], *, leave_out: Path | None = None) -> Cohort:
    """Every file that the inputs name, once each, in a stable order.

    Args:
        inputs: Files, folders (walked recursively, links followed once), globs, CSV/Parquet manifests, zip and tar
            archives, DICOMDIRs, or URLs. Archives and DICOMDIRs that a folder holds are files like others there.
        leave_out: A folder whose files are not inputs: the out folder, where it lies inside an input.

    Raises:
        InputMissingError: An input names nothing.
        EmptyCohortError: Together they hold no file.
        PermissionDeniedError: A folder may not be listed.
        ManifestError: A manifest, an archive or a DICOMDIR cannot be understood.
        StorageError: An object store does not answer.
    """
    parts = [part for number, text in enumerate(inputs, 1) for part in _parts(text, number, leave_out)]
    cohort = Cohort(parts)
    if not len(cohort):
        raise EmptyCohortError("the inputs hold no file")
    return cohort


def _parts(text: str, number: int, leave_out: Path | None) -> Iterator[Part]:
    """What one word stands for: its manifests, which are read batch by batch, and all else, which is listed now."""
    for is_manifest, found in groupby(_expand(text, number, leave_out), lambda one: isinstance(one, Path)):
        if is_manifest:
            yield from (Part(number, _reading(file, leave_out)) for file in found if isinstance(file, Path))
        else:
            inside = (one for one in found if isinstance(one, Declared) and not _is_in(leave_out, one))
            yield Part(number, held(inside))


def _reading(manifest: Path, leave_out: Path | None) -> Callable[[], Iterator[pa.Table]]:
    return lambda: (_without(leave_out, table) for table in read_manifest(manifest))


def _is_in(leave_out: Path | None, item: Declared) -> bool:
    """A glob or a manifest reaches the out folder too."""
    return leave_out is not None and item.source.startswith(f"{leave_out}{os.sep}")


def _without(leave_out: Path | None, table: pa.Table) -> pa.Table:
    if leave_out is None:
        return table
    inside = pc.starts_with(table.column("source"), os.fsencode(f"{leave_out}{os.sep}"))
    return table.filter(pc.invert(inside))


def _expand(text: str, number: int, leave_out: Path | None) -> Iterator[Declared | Path]:
    """Files; a path is that of a manifest."""
    if is_url(text):
        yield from map(Declared, list_remote(text))
        return
    path = Path(text).expanduser()
    if path.is_dir():
        yield from map(Declared, _walk(path.resolve(), leave_out))
    elif os.path.lexists(path):
        yield from _expand_file(path)
    elif glob.has_magic(text) and (matches := glob.glob(str(path), recursive=True)):  # noqa: PTH207 - takes absolute patterns
        for match in sorted(matches):
            yield from _expand(match, number, leave_out)
    else:
        raise InputMissingError(f"input {number} names nothing that exists: {text}")


def _expand_file(path: Path) -> Iterator[Declared | Path]:
    absolute = os.path.abspath(path)  # noqa: PTH100 - a link stays a link
    if path.suffix.lower() in MANIFEST_SUFFIXES:
        yield path
    elif is_archive(path.name):
        yield from (Declared(name_member(absolute, member)) for member in _members(absolute))
    elif path.name.upper() == DICOMDIR:
        yield from map(Declared, read_dicomdir(path))
    else:
        yield Declared(absolute)


def _members(archive: str) -> list[str]:
    try:
        return list_members(archive)
    except DamagedArchiveError:
        raise ManifestError("an archive among the inputs cannot be read: it is damaged, or none") from None
    except PermissionError as error:
        raise PermissionDeniedError(f"an archive may not be read ({error.strerror})") from error


def _walk(folder: Path, leave_out: Path | None) -> Iterator[str]:
    """Absolute paths below `folder`, sorted; a linked folder is entered once, so that loops end."""
    entered: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        identity = os.stat(here)  # noqa: PTH116 - os.walk yields strings
        if (identity.st_dev, identity.st_ino) in entered or (leave_out and Path(here) == leave_out):
            folders.clear()
            continue
        entered.add((identity.st_dev, identity.st_ino))
        folders.sort()
        yield from (os.path.join(here, name) for name in sorted(files))  # noqa: PTH118 - 10⁷ of them


def _refuse(error: OSError) -> None:
    raise PermissionDeniedError(f"an input folder may not be listed ({error.strerror})") from error
