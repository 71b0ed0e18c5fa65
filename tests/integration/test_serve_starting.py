"""How a service starts beside another one, where it must not, and how it ends."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest

from pipelines.results.rolling.spool import find_spools
from tests.packages import make_package
from tests.services import ROOT, Service, free_port, serving, start_service

LONG = {"SIEVERT_SERVE__ROLL_AFTER_S": "3600"}
ROOMS = ("models", "serve", "pipelines", "cluster", "sievert")
SHELVED = ("a", "bb", "ccc")
STUDY = ("/v1/studies", b"no picture", {"Content-Type": "image/png"})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Started in a folder that has packages of our rooms' names."""
    home = tmp_path_factory.mktemp("service")
    for room in ROOMS:
        (home / room).mkdir()
        (home / room / "__init__.py").write_text(f"raise SystemExit('{room} of the user were imported')\n")
    for name in SHELVED:
        put_on_shelf(home, name)
    shelf = {
        "SIEVERT_SERVE__SHELF": str(home / "shelf"),
        "SIEVERT_SERVE__SHELF_OPEN": "1",
        "SIEVERT_SERVE__PASSES": "1",
    }
    yield from serving(home, settings={**LONG, **shelf})


def put_on_shelf(home: Path, name: str) -> None:
    """A network whose answer tells it from the others."""
    weight = float(len(name))
    make_package(home / "shelf" / name, np.array([[0.0], [weight]], np.float32), shape=(4, 4))


def refused(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What a service says that cannot start."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SIEVERT_STORE__KEYS": str(home / "keys"),
        "SIEVERT_STORE__LEDGER": str(home / "ledger.sqlite"),
        "SIEVERT_SERVE__STATE": str(home / "state"),
        **settings,
    }
    command = [sys.executable, "-P", "-m", "sievert", "serve", *arguments]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_service_started_beside_packages_of_our_names_uses_ours(service: Service) -> None:
    path, content, headers = STUDY
    with service.client() as client:
        assert client.post(path, content=content, headers=headers).json()["reason"] == "format.unknown"


def infer(client: httpx.Client, name: str, *, patience_s: float = 0) -> float:
    """What a model of the shelf says of ones: the logistic function of the length of its name.

    Who has patience asks again while what was replaced, or lost, is not there yet.
    """
    deadline = time.monotonic() + patience_s
    gone = (httpx.TransportError,) if patience_s else ()  # a connection that HAProxy has just let go of
    asked = {"inputs": [{"name": "image", "shape": [1, 1, 4, 4], "datatype": "FP32", "data": [1.0] * 16}]}
    while True:
        with suppress(*gone):
            answer = client.post(f"/v2/models/{name}/infer", json=asked)
            if answer.status_code == 200:
                return float(answer.json()["outputs"][0]["data"][1])
            assert answer.status_code == 503, answer.text
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_models_of_the_shelf_take_turns_in_one_replica_and_lose_nothing(service: Service) -> None:
    with service.client() as client, ThreadPoolExecutor(6) as pool:
        assert [model["name"] for model in client.get("/v1/models").json()["models"]] == ["default", *SHELVED]
        names = [SHELVED[turn % len(SHELVED)] for turn in range(12)]
        found = list(pool.map(lambda name: infer(client, name), names))
        assert found == pytest.approx([1 / (1 + math.exp(-len(name))) for name in names], abs=1e-5)
        path, content, headers = STUDY
        jobs = {client.post(f"{path}?model={name}", content=content, headers=headers).json()["job"] for name in SHELVED}
        assert len(jobs) == len(SHELVED)
        status = {model["name"]: model for model in client.get("/v1/status").json()["models"]}
        assert {status[name]["status"] for name in SHELVED} == {"RUNNING"}
    assert len(service.processes("sidecar")) == 2  # of the model with a replica of its own, and of the one that is open


def test_what_is_put_on_the_shelf_is_served_after_a_hangup(service: Service) -> None:
    put_on_shelf(service.home, "dddd")
    service.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60
    with service.client() as client:
        while "dddd" not in client.get("/v1/models").text and time.monotonic() < deadline:
            time.sleep(0.2)
        assert infer(client, "dddd", patience_s=60) == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-5)
        service.processes("ServeReplica:front")[0].kill()  # the next one has to know of it too
        assert infer(client, "dddd", patience_s=60) == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-5)


def test_a_port_that_is_taken_is_told_at_once_and_the_one_who_has_it_answers_on(
    service: Service, tmp_path: Path
) -> None:
    done = refused(tmp_path, "default", "--port", str(service.port))
    assert (done.returncode, "cannot be listened on" in done.stderr) == (91, True), done.stderr
    assert httpx.get(f"{service.url}/health").status_code == 200


def test_a_state_folder_that_others_may_look_into_starts_no_service(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    done = refused(tmp_path, "default", "--port", str(free_port()))
    assert (done.returncode, "chmod 700" in done.stderr) == (90, True), done.stderr
    assert str(tmp_path) not in done.stderr


def test_a_model_whose_name_cannot_stand_in_an_address_starts_no_service(tmp_path: Path) -> None:
    (tmp_path / "a b").symlink_to(ROOT / "models/shipped/default")
    done = refused(tmp_path, str(tmp_path / "a b"), "--port", str(free_port()))
    assert (done.returncode, "part of an address" in done.stderr) == (10, True), done.stderr


def test_two_services_of_one_site_keep_apart_what_they_answer_and_each_ends_alone(
    service: Service, tmp_path: Path
) -> None:
    """The same keys and results, a state of its own: SIGTERM to one leaves the other answering, and its job open."""
    shared = {**LONG, "SIEVERT_STORE__KEYS": str(service.home / "keys")}
    shared["SIEVERT_STORE__LEDGER"] = str(service.home / "ledger.sqlite")
    (tmp_path / "results").symlink_to(service.results)
    other = start_service(tmp_path, settings=shared)
    path, content, headers = STUDY
    with service.client() as first, other.client() as second:
        told = [client.post(path, content=content, headers=headers).json() for client in (first, second)]
        assert told[0]["job"] != told[1]["job"]
        assert first.get("/v1/models", headers=other.headers).status_code == 401
        other.process.send_signal(signal.SIGTERM)
        assert other.process.wait(60) == 0
        assert first.post(path, content=content, headers=headers).json()["job"] == told[0]["job"]
    assert told[1]["job"] not in {spool.stem for spool in find_spools(service.home / "keys")}


def test_a_second_ctrl_c_ends_it_at_once_and_the_first_ends_it_in_order(service: Service) -> None:
    """The last of this file: nobody else needs the service any more."""
    children = service.processes()
    service.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(30) != 0
    deadline = time.monotonic() + 30
    while any(child.is_running() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [child.name() for child in children if child.is_running() and child.status() != "zombie"] == []
