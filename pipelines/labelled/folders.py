"""Finds pictures below a folder: a sub-folder a class, with or without a folder a split above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.labelled.decoding import DICOM_SUFFIXES
from pipelines.labelled.files import Row, Table
from pipelines.labelled.listing import TRAIN, split_of
from sievert.errors import LabelError

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = (".png", ".jpg", ".jpeg", ".nii", ".nii.gz", *sorted(DICOM_SUFFIXES))


def read_folder(folder: Path) -> Table:
    """List labelled pictures.

    Args:
        folder: Holds a sub-folder a class, pictures in any depth below it; or `train`, `val` (`validation`) and `test`,
            each of which does. Files above the classes' folders, hidden ones and other suffixes are left alone.

    Raises:
        LabelError: There is no picture in a class's folder, or classes lie beside splits.
    """
    files = list_pictures(folder)
    depth = 1 if _is_split(folder, files) else 0
    parts = [(file, file.relative_to(folder).parts) for file in files]
    rows = [
        Row(file, label=part[depth], split=split_of(part[0]) if depth else None)
        for file, part in parts
        if len(part) > depth + 1
    ]
    if not rows:
        raise LabelError("the folder has no pictures in sub-folders")
    return Table(rows)


def read_pictures(folder: Path) -> Table:
    """List pictures without labels, in any depth; below `train`, `val` and `test` they are in that split."""
    files = list_pictures(folder)
    in_splits = _is_split(folder, files)
    rows = [Row(file, split=split_of(file.relative_to(folder).parts[0]) if in_splits else None) for file in files]
    return Table(rows)


def list_pictures(folder: Path) -> list[Path]:
    """Every file below that is called as a picture is, in the order of their names on any machine."""
    found = [file for file in folder.rglob("*") if file.name.lower().endswith(_SUFFIXES) and file.is_file()]
    relative = {file: file.relative_to(folder) for file in found}
    shown = [file for file in found if not any(part.startswith(".") for part in relative[file].parts)]
    return sorted(shown, key=lambda file: relative[file].as_posix())


def _is_split(folder: Path, files: list[Path]) -> bool:
    tops = {file.relative_to(folder).parts[0] for file in files if file.parent != folder}
    splits = {top: split_of(top) for top in tops}
    if tops and all(splits.values()):
        return True
    if TRAIN in splits.values():
        raise LabelError("the folder holds both splits and other folders of pictures; classes lie inside the splits")
    return False
