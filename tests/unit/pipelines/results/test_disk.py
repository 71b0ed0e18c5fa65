from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipelines.results.disk import create_once, disk_errors, write_whole
from sievert.errors import DiskFullError, PermissionDeniedError, StorageError


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EACCES, PermissionDeniedError),
        (errno.EROFS, PermissionDeniedError),
        (errno.EIO, StorageError),
    ],
)
def test_the_systems_errors_become_ours_without_a_path(number: int, kind: type[StorageError]) -> None:
    with pytest.raises(StorageError) as caught, disk_errors("results could not be written"):
        raise OSError(number, os.strerror(number), "/data/SMITH^JOHN")
    assert type(caught.value) is kind
    assert "SMITH" not in caught.value.message
    assert "results could not be written" in caught.value.message


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "manifest.json"
    write_whole(file, b"old", drafts=tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pipelines.results.disk.os.fsync", full)
    with pytest.raises(DiskFullError):
        write_whole(file, b"new", drafts=tmp_path)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_of_two_attempts_the_first_wins_and_no_draft_stays(tmp_path: Path) -> None:
    file, one, two = tmp_path / "shard", tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    assert create_once(one, file)
    assert not create_once(two, file)
    assert file.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [file]
