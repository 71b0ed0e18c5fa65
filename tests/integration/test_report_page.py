"""The report as a browser shows it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.results.reporting import report_job
from tests.jobs import Job

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --v=0"
).split()


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is absent: run `make services`")
    return found


@pytest.mark.parametrize("cases", [0, 3])
def test_the_report_opens_in_a_browser_without_a_complaint(
    chromium: str, finished: Job, tmp_path: Path, cases: int
) -> None:
    page = tmp_path / "report.html"
    page.write_text(report_job(finished.out.path, cases=cases, keys=lambda: finished.keys), "utf-8")
    command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr
    assert "<h1>Screening report</h1>" in done.stdout
    assert done.stdout.count("<img") == 0 if cases == 0 else done.stdout.count("<img") > 0
