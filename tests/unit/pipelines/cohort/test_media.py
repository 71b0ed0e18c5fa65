"""A DICOMDIR stands for the files that it lists, inside its medium."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from pipelines.cohort.sources import find_inputs
from sievert.errors import ManifestError
from tests.dicoms import chest


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    files = FileSet()
    for number in range(2):
        dataset = chest(StudyInstanceUID="1.2", SeriesInstanceUID="1.3", SOPInstanceUID=f"1.4.{number}")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200101", "120000", "1"
        dataset.SeriesNumber, dataset.InstanceNumber, dataset.AccessionNumber = 1, number, ""
        files.add(dataset)
    files.write(tmp_path / "medium")
    return tmp_path / "medium"


def test_it_stands_for_its_files_in_its_order(medium: Path) -> None:
    (medium / "notes.txt").write_text("not on the list")
    found = [Path(one.source) for one in find_inputs([str(medium / "DICOMDIR")])]
    assert [str(pydicom.dcmread(file).SOPInstanceUID) for file in found] == ["1.4.0", "1.4.1"]


def test_references_out_of_the_medium_are_not_followed(medium: Path) -> None:
    (medium.parent / "secret").write_bytes(b"of the machine")
    refer(medium, ["..", "secret"])
    found = [one.source for one in find_inputs([str(medium / "DICOMDIR")])]
    assert len(found) == 1
    assert "secret" not in found[0]


def refer(medium: Path, to: list[str]) -> None:
    directory = pydicom.dcmread(medium / "DICOMDIR")
    image: Dataset = next(one for one in directory.DirectoryRecordSequence if one.DirectoryRecordType == "IMAGE")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.ReferencedFileID = to
    directory.save_as(medium / "DICOMDIR")


def test_one_that_cannot_be_read_or_lists_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"no directory")
    with pytest.raises(ManifestError, match="DICOMDIR"):
        find_inputs([str(tmp_path / "DICOMDIR")])
