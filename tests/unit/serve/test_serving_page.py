"""Every example of docs/serving-clients.md is run against a service."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from serve.api.grpc.server import InferenceGrpc
from serve.listener.storage import DicomListener
from sievert.branchserve import DicomListenerSettings, ServeSettings
from tests.dicoms import chest, encoded
from tests.onlineapp import app_around
from tests.onlinebackend import TOKEN, Online, authenticate, online_in
from tests.uvicorns import served

ROOT = Path(__file__).parent.parent.parent.parent
BLOCKS = re.findall(
    r"^```(sh|python)\n(.*?)^```", (ROOT / "docs/serving-clients.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)
SETTINGS = ServeSettings(dicom=DicomListenerSettings(allowed=("ROOM1",)), drain_s=1).model_copy(update={"grpc_port": 0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples send."""
    found = tmp_path_factory.mktemp("examples")
    for name in ("study.dcm", "other.dcm"):
        (found / name).write_bytes(encoded(chest(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")))
    noise = np.random.default_rng(1).integers(0, 255, (128, 128), dtype=np.uint8)
    cv2.imwrite(str(found / "study.png"), cv2.GaussianBlur(noise, (0, 0), 9))
    one = {"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": [0] * 784}
    (found / "tensor.json").write_text(json.dumps({"inputs": [one]}))
    return found


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Online]:
    with online_in(tmp_path_factory.mktemp("online")) as found:
        yield found


@pytest.fixture(scope="module")
def environment(online: Online) -> Iterator[dict[str, str]]:
    """Addresses of all interfaces, and a token."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener, server = (
        DicomListener(online.backend, loop, SETTINGS),
        InferenceGrpc(online.backend, authenticate, SETTINGS),
    )
    grpc_port, dicom_port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(), listener.start()
    try:
        with served(app_around(online)) as url:
            yield {
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SIEVERT_URL": url,
                "SIEVERT_TOKEN": TOKEN,
                "SIEVERT_GRPC": f"127.0.0.1:{grpc_port}",
                "SIEVERT_DICOM": str(dicom_port),
            }
    finally:
        listener.stop()
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[f"{place}-{kind}" for place, (kind, _) in enumerate(BLOCKS)])
def test_the_example_works_as_it_is_written(kind: str, text: str, folder: Path, environment: dict[str, str]) -> None:
    command = ["bash", "-euo", "pipefail", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stderr
    assert done.stdout or (folder / "report.dcm").exists()


def test_the_page_has_an_example_of_each_interface() -> None:
    text = "".join(block for _, block in BLOCKS)
    for place in ("/v1/studies", "/v1/models", "/v2/models", "/events", "Client(", "ModelInfer", "send_c_store"):
        assert place in text
