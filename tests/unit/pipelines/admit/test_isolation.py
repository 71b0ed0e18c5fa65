from __future__ import annotations

import sys
from pathlib import Path

from pipelines.admit.isolation import survives
from pipelines.admit.scope import Scope
from sievert.records import PlannedInput
from sievert.settings import AdmitSettings
from tests.dicoms import chest, encoded

SCOPE, POLICY = Scope(("DX",), ("CHEST",)), AdmitSettings()


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_an_input_that_is_merely_bad_survives(tmp_path: Path) -> None:
    for name, content in (("good", encoded(chest())), ("bad", b"nothing")):
        (tmp_path / name).write_bytes(content)
        assert survives(PlannedInput(0, str(tmp_path / name)), scope=SCOPE, policy=POLICY)
    assert survives(PlannedInput(0, str(tmp_path / "gone")), scope=SCOPE, policy=POLICY)


def test_a_native_crash_and_a_hang_do_not_survive_and_do_no_harm() -> None:
    crash = program("import ctypes; ctypes.string_at(0)")
    assert not survives(PlannedInput(0, "x"), scope=SCOPE, policy=POLICY, command=crash)
    hang = program("import time; time.sleep(60)")
    assert not survives(PlannedInput(0, "x"), scope=SCOPE, policy=POLICY, command=hang, timeout_s=0.3)


def test_the_path_is_handed_over_out_of_sight_of_other_users() -> None:
    told = program("import sys; sys.exit('SMITH' in ' '.join(sys.argv) or 'SMITH' not in sys.stdin.read())")
    assert survives(PlannedInput(0, "/data/SMITH/x.dcm"), scope=SCOPE, policy=POLICY, command=told)
