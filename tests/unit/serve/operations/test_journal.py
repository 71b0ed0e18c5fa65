from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from serve.operations.journal import Journal, open_journal
from sievert.settings import TelemetrySettings


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_an_event_is_a_json_object_a_line_in_a_file_for_the_account_alone(tmp_path: Path) -> None:
    journal = open_journal(TelemetrySettings(), tmp_path, "front")
    journal.write("request", status=200)
    journal.stop()
    file = tmp_path / "logs" / "front-0.jsonl"
    (line,) = lines(file)
    assert {key: line[key] for key in ("event", "status")} == {"event": "request", "status": 200}
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_two_processes_of_an_app_never_write_into_one_file(tmp_path: Path) -> None:
    first, second = (open_journal(TelemetrySettings(), tmp_path, "default") for _ in range(2))
    first.write("one")
    second.write("two")
    first.stop()
    second.stop()
    assert [[line["event"] for line in lines(tmp_path / "logs" / f"default-{n}.jsonl")] for n in (0, 1)] == [
        ["one"],
        ["two"],
    ]


def test_files_are_rotated_and_no_more_are_kept_than_wanted(tmp_path: Path) -> None:
    journal = open_journal(TelemetrySettings(log_bytes=400, log_files=3), tmp_path, "front")
    for number in range(50):
        journal.write("request", number=number)
    journal.stop()
    files = sorted((tmp_path / "logs").glob("*.jsonl*"))
    assert len(files) == 3
    assert all(file.stat().st_size <= 400 for file in files)
    assert lines(files[0])[-1]["number"] == 49


def test_a_disk_that_hangs_costs_lines_and_the_next_line_says_how_many() -> None:
    free, seen = threading.Event(), list[str]()

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            free.wait(10)
            seen.append(self.format(record))

    journal = Journal(Slow(), waiting=2)
    for number in range(20):
        journal.write("request", number=number)
    free.set()
    while len(seen) < 2:
        threading.Event().wait(0.01)
    journal.write("request")
    journal.stop()
    assert int(json.loads(seen[-1])["lost"]) >= 17


def test_off_writes_nothing_and_stderr_no_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for told in ("off", "stderr"):
        journal = open_journal(TelemetrySettings.model_validate({"log": told}), tmp_path, "front")
        journal.write("request", of=told)
        journal.stop()
    assert list(tmp_path.iterdir()) == []
    assert json.loads(capfd.readouterr().err)["of"] == "stderr"
