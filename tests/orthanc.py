"""A real DICOMweb server for tests: Orthanc with its plugin, on loopback, in a folder of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from tests.anvil import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_OPEN = build_opener(ProxyHandler({})).open


def find_orthanc() -> str | None:
    """The program, where its DICOMweb plugin is there too."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    return program if program and PLUGIN.exists() else None


class Orthanc:
    """A running server."""

    def __init__(self, program: str, home: Path) -> None:
        self.port = free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.dicomweb = f"{self.root}/dicom-web"
        (home / "orthanc.json").write_text(json.dumps(self._configuration(home)))
        self._process = subprocess.Popen(
            [program, str(home / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._await_answer()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def store(self, content: bytes) -> None:
        """Take a DICOM file in."""
        self.ask("/instances", content)

    def ask(self, path: str, body: bytes | None = None) -> Any:  # noqa: ANN401 - JSON
        with _OPEN(Request(self.root + path, data=body), timeout=30) as answer:  # noqa: S310 - our own
            return json.loads(answer.read())

    def _configuration(self, home: Path) -> dict[str, object]:
        return {
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "StorageDirectory": str(home / "storage"),
            "IndexDirectory": str(home / "index"),
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
        }

    def _await_answer(self) -> None:
        for _ in range(500):
            try:
                self.ask("/system")
            except (URLError, OSError):
                time.sleep(0.02)
            else:
                return
        raise AssertionError("Orthanc does not start")
