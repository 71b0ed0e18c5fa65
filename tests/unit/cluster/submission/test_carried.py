from __future__ import annotations

import re
import subprocess
import sys

import pytest

from cluster.submission.carried import main, pack, unpack
from sievert import __version__
from sievert.errors import OtherVersionError

HARD = ["screen", "x?a=1&b='2'", '"$(id)"', "a b", "é", "", "--out", "/r/x"]


def test_a_command_line_arrives_as_it_left_through_any_shell() -> None:
    entrypoint = pack(HARD)
    assert re.fullmatch(r"python -m [\w.]+ [\w=-]+", entrypoint)
    assert unpack(entrypoint.split()[-1]) == (__version__, HARD)


def test_another_version_is_refused_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([pack(HARD, "9.9.9").split()[-1]]) == OtherVersionError.exit_code
    told = capsys.readouterr().err
    assert "9.9.9" in told
    assert __version__ in told
    assert told.count("\n") == 1


def test_unpacked_it_becomes_the_command() -> None:
    words = pack(["screen", "--help"]).split()[1:]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "sievert screen" in done.stdout.replace("python -m ", "")
