"""dciodvfy's errors refuse an object where the policy asks, and no reason says a value."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.admit.dicom.conformance import PROGRAM, check_conformance, require_checker
from sievert.errors import ConfigError
from sievert.records import Reason, Refusal
from tests.dicoms import PATIENT, chest, encoded

needs_program = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="make services installs dicom3tools")


@needs_program
def test_an_object_with_errors_is_refused_by_keyword_and_without_values() -> None:
    refused = check_conformance(encoded(chest(Modality="PLANTED", PatientSex="PLANTED SEX")))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.COMPLIANCE_NONCONFORMANT
    assert "error(s)" in refused.explanation
    assert not any(word in refused.explanation for word in ("PLANTED", PATIENT, "PID-007"))


@needs_program
@pytest.mark.parametrize("content", [b"", b"no DICOM at all", bytes(4096)])
def test_what_is_no_object_ends(content: bytes) -> None:
    answer = check_conformance(content)
    assert answer is None or answer.reason is Reason.COMPLIANCE_NONCONFORMANT


def test_a_program_that_says_nothing_lets_pass_and_one_that_hangs_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / PROGRAM
    program.write_text("#!/bin/sh\necho 'Warning - unusual' >&2\ntest -r \"$1\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert check_conformance(encoded(chest())) is None
    program.write_text("#!/bin/sh\nsleep 5\n")
    monkeypatch.setattr("pipelines.admit.dicom.conformance._LONGEST_S", 0.2)
    assert isinstance(check_conformance(encoded(chest())), Refusal)


def test_without_the_program_the_operator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="dciodvfy"):
        require_checker()
