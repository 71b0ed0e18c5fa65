from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from serve.operations.standing import JobReader, read_disks, read_proxy

TOLD = """# TYPE haproxy_frontend_http_responses_total counter
haproxy_frontend_http_responses_total{proxy="http_frontend",code="2xx"} 41
haproxy_frontend_http_responses_total{proxy="http_frontend",code="5xx"} 2
haproxy_frontend_http_responses_total{proxy="stats",code="2xx"} 7
"""


def job(results: Path, name: str, *files: str, at: float = 1000.0) -> Path:
    folder = results / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("job.json", *files):
        (folder / file).write_text("{}")
        os.utime(folder / file, (at, at))
    return folder


def read(reader: JobReader) -> dict[str, float]:
    return {kind.name: value for kind, _, value in reader()}


def test_open_closed_and_anchored_jobs_are_told_apart(tmp_path: Path) -> None:
    results, keys = tmp_path / "online", tmp_path / "keys"
    (keys / "spools").mkdir(parents=True)
    (keys / "spools" / "a.spool").write_bytes(bytes(300))
    job(results, "open")
    job(results, "closed", "closed.json", at=1100)
    job(results, "later", "closed.json", at=1150)
    job(results, "anchored", "closed.json", "anchor.json", at=1160)
    found = read(JobReader(results, keys, clock=lambda: 1200.0))
    assert found == {
        "sievert_jobs_open": 1,
        "sievert_jobs_unanchored": 2,
        "sievert_oldest_unanchored_seconds": pytest.approx(100),
        "sievert_last_anchor_seconds": pytest.approx(40),
        "sievert_rolling_problem": 0,
        "sievert_spool_bytes": 300,
    }


def test_a_job_that_is_anchored_later_is_no_longer_waited_for(tmp_path: Path) -> None:
    folder = job(tmp_path / "online", "one", "closed.json")
    reader = JobReader(tmp_path / "online", tmp_path / "keys", clock=lambda: 1200.0)
    assert read(reader)["sievert_jobs_unanchored"] == 1
    assert "sievert_last_anchor_seconds" not in read(reader)
    job(folder.parent, "one", "anchor.json")
    assert read(reader)["sievert_jobs_unanchored"] == 0
    assert read(reader)["sievert_oldest_unanchored_seconds"] == 0


def test_what_went_wrong_is_a_number_and_not_its_text(tmp_path: Path) -> None:
    job(tmp_path, "one")
    (tmp_path / "problem.txt").write_text("the ledger is away")
    assert read(JobReader(tmp_path, tmp_path / "keys"))["sievert_rolling_problem"] == 1


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(tmp_path: Path) -> None:
    found = {(kind.name, *labels): value for kind, labels, value in read_disks({"results": tmp_path / "a" / "b"})}
    size = os.statvfs(tmp_path)
    assert found["sievert_disk_size_bytes", "results"] == size.f_blocks * size.f_frsize
    assert 0 < found["sievert_disk_free_bytes", "results"] <= found["sievert_disk_size_bytes", "results"]


def test_only_what_haproxy_answered_to_clients_is_counted() -> None:
    with haproxy() as port:
        assert {labels: value for _, labels, value in read_proxy(port)} == {("2xx",): 41, ("5xx",): 2}


@contextmanager
def haproxy() -> Iterator[int]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(TOLD.encode())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
