from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pipelines.admit.reading import read_source
from sievert.records import Reason, Refusal

MOST = 1000


def reason(source: str | Path) -> Reason:
    found = read_source(str(source), max_bytes=MOST)
    assert isinstance(found, Refusal)
    assert str(source) not in found.explanation
    return found.reason


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * MOST)
    assert read_source(str(tmp_path / "a"), max_bytes=MOST) == b"x" * MOST


def test_what_cannot_be_read_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"x" * (MOST + 1))
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert reason(tmp_path / "empty") == Reason.FORMAT_EMPTY
    assert reason(tmp_path / "large") == Reason.FORMAT_TOO_LARGE
    for name in ("link", "pipe", "gone", "."):
        assert reason(tmp_path / name) == Reason.FORMAT_UNREADABLE
    assert reason("bad\0name") == Reason.FORMAT_UNREADABLE


def test_a_file_that_may_not_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/data/SMITH^JOHN")

    monkeypatch.setattr("pipelines.admit.reading.os.open", denied)
    found = read_source("/data/SMITH^JOHN", max_bytes=MOST)
    assert found == Refusal(Reason.FORMAT_UNREADABLE, "The system says: Permission denied.")
