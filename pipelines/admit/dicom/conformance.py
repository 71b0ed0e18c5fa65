"""Asks dicom3tools' dciodvfy whether an object is what its class says (PS3.3), where the policy wants to know."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from sievert.errors import ConfigError
from sievert.records import Reason, Refusal

PROGRAM = "dciodvfy"
_ERROR = re.compile(rb"^Error - ", re.MULTILINE)
_ELEMENT = re.compile(rb"^Error - .*?Element=<(\w{1,64})>", re.MULTILINE)
_SHOWN = 5
_LONGEST_S = 30.0


def require_checker() -> str:
    """Where the program is.

    Raises:
        ConfigError: It is not installed.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise ConfigError(
            f"admit.conformance asks for {PROGRAM}, which is not installed",
            remedy='Install dicom3tools (Debian has it), on every node; or set admit.conformance = "off".',
        )
    return found


def check_conformance(content: bytes) -> Refusal | None:
    """Refuse an object with errors; what is only unusual is let pass.

    Args:
        content: The file, whole; it is handed over in memory.

    Returns:
        None where there is no error. A reason names attributes by keyword and never a value.

    Raises:
        ConfigError: The program is not installed.
    """
    said = _said(require_checker(), content)
    number = len(_ERROR.findall(said))
    if not number:
        return None
    named = list(dict.fromkeys(name.decode("ascii") for name in _ELEMENT.findall(said)))[:_SHOWN]
    where = f", among them in {', '.join(named)}" if named else ""
    return Refusal(Reason.COMPLIANCE_NONCONFORMANT, f"{number} error(s){where}.")


def _said(program: str, content: bytes) -> bytes:
    descriptor = os.memfd_create("object")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        command = [program, f"/proc/self/fd/{descriptor}"]
        done = subprocess.run(  # noqa: S603 - a program of the operator's own, without a shell
            command, capture_output=True, pass_fds=(descriptor,), timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return b"Error - it takes too long"
    finally:
        os.close(descriptor)
    return done.stderr + done.stdout
