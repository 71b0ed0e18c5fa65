"""What the compiler made of our protocol file is what is committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_messages_are_what_the_protocol_file_says() -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is absent: pip install 'sievert[dev]'")
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "protobuf.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
