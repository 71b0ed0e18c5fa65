"""`sievert submit` to Kubernetes: a fake API server, and an operator that really runs what a RayJob says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from sievert.cli.main import run
from sievert.errors import InputMissingError
from tests.conftest import ROOT, blurred
from tests.kubeserver import KubeServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("kubernetes.client", reason="it comes with `pip install -e '.[dev]'`")
TEMPLATE = """
metadata: {name: "{run}", labels: {app.kubernetes.io/component: nightly}}
spec: {entrypoint: "sievert screen x", shutdownAfterJobFinishes: true}
"""


class Operator(threading.Thread):
    """Runs each RayJob's entrypoint on a Ray of its own, prints into its submitter's pod, and tells how it ended."""

    def __init__(self, server: KubeServer, environment: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._server, self._environment, self.over = server, environment, threading.Event()

    def run(self) -> None:
        seen = set[str]()
        while not self.over.wait(0.05):
            for name in set(self._server.rayjobs) - seen:
                seen.add(name)
                self._run(name)

    def _run(self, name: str) -> None:
        words = self._server.rayjobs[name]["spec"]["entrypoint"].split()
        self._server.put_pod(f"{name}-abc", name)
        self._server.put(name, jobDeploymentStatus="Running", jobStatus="RUNNING")
        command = [sys.executable, *words[1:]]
        with subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                self._server.pods[f"{name}-abc"]["log"] += line
        if process.returncode:
            told = f"Job entrypoint command failed with exit code {process.returncode}, last available logs"
            self._server.put(name, jobDeploymentStatus="Failed", jobStatus="FAILED", message=told)
        else:
            self._server.put(name, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings with a profile that leads to a namespace where RayJobs run."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "SIEVERT_CLUSTER__ADDRESS": "local",
        "SIEVERT_STORE__KEYS": str(tmp_path / "keys"),
        "SIEVERT_STORE__LEDGER": str(tmp_path / "ledger.sqlite"),
        "OMP_NUM_THREADS": "1",
    }
    server = KubeServer()
    server.token = "known"  # noqa: S105 - a test's own
    server.templates["night-sievert-rayjob"] = TEMPLATE
    kubeconfig = server.kubeconfig(tmp_path / "kubeconfig")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    monkeypatch.setattr("cluster.submission.following.ROUND_S", 0.1)
    operator = Operator(server, environment)
    operator.start()
    settings = tmp_path / "sievert.toml"
    settings.write_text('[clusters.clinic]\nkind = "kuberay"\n', "utf-8")
    yield settings
    operator.over.set()
    server.stop()


def test_a_hundred_images_are_screened_as_a_rayjob_with_progress_and_the_jobs_exit_code(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, out, noise = tmp_path / "images", tmp_path / "out", np.random.default_rng(7)
    images.mkdir()
    for number in range(100):
        cv2.imwrite(str(images / f"{number:03d}.png"), blurred(noise, 128 + number))
    command = ["submit", "--config", str(clinic), "--cluster", "clinic", "--", "screen"]
    assert run([*command, str(images), "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "submitted" in told.err
    assert told.out.index("100 images planned") < told.out.index("100/100 images")
    assert json.loads((out / "manifest.json").read_text("utf-8"))["counts"]["planned"] == 100
    assert (out / "anchor.json").exists()
    nowhere = [str(tmp_path / "nowhere"), "--out", str(tmp_path / "other")]
    assert run([*command, *nowhere]) == InputMissingError.exit_code
    assert "names nothing that exists" in capsys.readouterr().out
