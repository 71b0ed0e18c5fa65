from __future__ import annotations

import subprocess
import sys

import pytest

_NATIVE = "sum(range(10**12))"
"""Holds the interpreter lock in native code for hours."""
_OWN_USE = "import signal; signal.signal(signal.SIGALRM, lambda *_: None); "
_LIMITED = "from pipelines.admit.watchdog import time_limit\nwith time_limit({seconds}): {work}\nprint('went on')"


def run(work: str, *, seconds: float, before: str = "") -> subprocess.CompletedProcess[str]:
    program = before + _LIMITED.format(seconds=seconds, work=work)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("before", ["", _OWN_USE], ids=["alarm", "alarm-in-use"])
def test_native_code_that_takes_too_long_ends_its_process_without_a_word(before: str) -> None:
    ended = run(_NATIVE, seconds=0.3, before=before)
    assert ended.returncode not in (0, -9)  # SIGKILL would be taken for somebody else's doing
    assert (ended.stdout, ended.stderr) == ("", "")


@pytest.mark.parametrize("before", ["", _OWN_USE], ids=["alarm", "alarm-in-use"])
def test_what_ends_in_time_has_no_limit_afterwards(before: str) -> None:
    ended = run("pass\nimport time; time.sleep(0.5)", seconds=0.3, before=before)
    assert (ended.returncode, ended.stdout) == (0, "went on\n")
