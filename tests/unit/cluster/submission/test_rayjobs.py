from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster.submission.carried import unpack
from cluster.submission.choosing import open_way
from cluster.submission.following import Follower, hand_over
from cluster.submission.nouns import make_submission
from cluster.submission.parcel import Parcel
from cluster.submission.rayjobs import RayJobs, find_token
from sievert.errors import (
    AddressError,
    ClusterMissingError,
    ConfigError,
    CredentialsError,
    JobLostError,
    JobMissingError,
    JobStoppedError,
    OldRayError,
    OtherVersionError,
    SievertError,
)
from sievert.settings import SubmitProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = make_submission(["screen", "s3://images/a&b", "--out", "/results/x"])
NAME = COMMAND.name(1)
FAILED = {"status": "FAILED", "driver_exit_code": 23, "message": "failed with exit code 23\nlast lines"}


class Dashboard:
    """A dashboard of Ray that knows jobs, over real HTTP."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, str] = {}
        self.packages: dict[str, bytes] = {}
        self.ray_version, self.status = version("ray"), 200
        handler = type("Handler", (_Handler,), {"keeper": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    keeper: Dashboard

    def do_GET(self) -> None:
        name, _, rest = self.path.removeprefix("/api/jobs/").partition("/")
        if self._refused():
            return
        if self.path == "/api/version":
            self._send({"ray_version": self.keeper.ray_version})
        elif not name:
            self._send(list(self.keeper.jobs.values()))
        elif name not in self.keeper.jobs:
            self._send({}, 404)
        else:
            self._send({"logs": self.keeper.logs.get(name, "")} if rest else self.keeper.jobs[name])

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._refused():
            self.keeper.packages[self.path.removeprefix("/api/packages/gcs/")] = content
            self._send({})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if self._refused():
            return
        if self.path.endswith("/stop"):
            self.keeper.jobs[self.path.split("/")[3]]["status"] = "STOPPED"
            self._send({"stopped": True})
        elif body["submission_id"] in self.keeper.jobs:
            self._send({}, 500)
        else:
            self.keeper.jobs[body["submission_id"]] = {**body, "status": "PENDING", "start_time": 1}
            self._send({"submission_id": body["submission_id"]})

    def _refused(self) -> bool:
        told = self.headers.get("Authorization")
        status = self.keeper.status if self.keeper.status != 200 else {None: 401, "Bearer known": 200}.get(told, 403)
        if status != 200:
            self._send({}, status)
        return status != 200

    def _send(self, body: object, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests say what they claim themselves."""


class Heard:
    def __init__(self) -> None:
        self.text, self.lines = "", list[str]()

    def log(self, text: str) -> None:
        self.text += text

    def says(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    monkeypatch.setattr("cluster.submission.following.ROUND_S", 0.02)
    monkeypatch.setattr("cluster.submission.following.GRACE_S", 0.0)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "known")
    made = Dashboard()
    yield made
    made.stop()


@pytest.fixture
def way(ray: Dashboard) -> RayJobs:
    return RayJobs(ray.url, find_token())


def test_a_submission_becomes_a_job_with_the_same_command_line(ray: Dashboard, way: RayJobs) -> None:
    job, joined = hand_over(way, COMMAND)
    assert (job.name, joined) == (NAME, False)
    assert unpack(ray.jobs[NAME]["entrypoint"].rpartition(" ")[2])[1] == list(COMMAND.arguments)
    assert "known" not in json.dumps(ray.jobs)


def test_a_parcel_is_on_the_cluster_before_a_job_names_it(ray: Dashboard) -> None:
    parcel = Parcel("_ray_pkg_1234.zip", b"PK")
    job, _ = hand_over(RayJobs(ray.url, find_token(), parcel=parcel), COMMAND)
    assert ray.packages == {parcel.name: parcel.content}
    assert ray.jobs[job.name]["runtime_env"]["py_modules"] == ["gcs://_ray_pkg_1234.zip"]


def test_nothing_can_go_along_with_a_rayjob() -> None:
    with pytest.raises(ConfigError, match="Sievert of its image"):
        open_way(SubmitProfile(kind="kuberay"), ship=True)


def test_two_submissions_are_one_job_even_at_once(ray: Dashboard, way: RayJobs) -> None:
    hand_over(way, COMMAND)
    assert hand_over(way, COMMAND)[1]
    assert not way.create(NAME, COMMAND)
    assert list(ray.jobs) == [NAME]


def test_a_job_that_ray_forgot_is_no_reason_to_take_500_for_joined(
    ray: Dashboard, way: RayJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.submission.rayjobs.AGAIN_S", 0.0)
    ray.status = 500
    with pytest.raises(ClusterMissingError, match="cannot answer now"):
        way.create(NAME, COMMAND)


def test_a_cluster_that_is_just_starting_is_asked_again(
    ray: Dashboard, way: RayJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.submission.rayjobs.time.sleep", lambda _: setattr(ray, "status", 200))
    ray.status = 500
    assert way.create(NAME, COMMAND)
    assert set(ray.jobs) == {NAME}


def test_the_log_is_told_once_and_the_exit_code_is_the_jobs(ray: Dashboard, way: RayJobs) -> None:
    hand_over(way, COMMAND)
    ray.jobs[NAME]["status"] = "RUNNING"
    ray.logs[NAME] = "12/100 images\n"

    def end() -> None:
        time.sleep(0.2)
        ray.logs[NAME] += "100/100 images\n"
        ray.jobs[NAME] |= FAILED

    threading.Thread(target=end, daemon=True).start()
    heard = Heard()
    assert Follower(way, NAME, heard).follow().exit_code == 23
    assert heard.text == "12/100 images\n100/100 images\n"


def test_a_job_that_waits_says_what_ray_says_of_it(ray: Dashboard, way: RayJobs) -> None:
    hand_over(way, COMMAND)
    ray.jobs[NAME]["message"] = "Job has not started yet.\nmore"

    class Ending(Heard):
        def says(self, line: str) -> None:
            super().says(line)
            ray.jobs[NAME]["status"] = "SUCCEEDED"

    heard = Ending()
    assert Follower(way, NAME, heard).follow().exit_code == 0
    assert [line for line in heard.lines if "has not started" in line] == heard.lines != []


def test_stopped_half_way_a_job_gets_a_successor_that_goes_on(ray: Dashboard, way: RayJobs) -> None:
    hand_over(way, COMMAND)
    way.stop(NAME)
    with pytest.raises(JobStoppedError):
        Follower(way, NAME, Heard()).follow()
    assert hand_over(way, COMMAND)[0].name == COMMAND.name(2)
    assert set(ray.jobs) == {NAME, COMMAND.name(2)}


@pytest.mark.parametrize(
    ("code", "log", "kind"),
    [
        (1, "/usr/bin/python: No module named cluster.submission", OtherVersionError),
        (1, "ModuleNotFoundError: No module named 'sievert'", OtherVersionError),
        (None, "", JobLostError),
        (-9, "", JobLostError),
    ],
)
def test_an_end_without_an_exit_code_of_ours_is_explained(
    ray: Dashboard, way: RayJobs, code: int | None, log: str, kind: type[SievertError]
) -> None:
    hand_over(way, COMMAND)
    ray.logs[NAME] = log
    ray.jobs[NAME] |= {"status": "FAILED", "driver_exit_code": code}
    with pytest.raises(kind):
        Follower(way, NAME, Heard()).follow()


@pytest.mark.parametrize(("token", "told"), [("old-secret", "does not take this token"), (None, "none was given")])
def test_a_wrong_or_missing_token_is_told_without_saying_it(ray: Dashboard, token: str | None, told: str) -> None:
    way = RayJobs(ray.url, token)
    with pytest.raises(CredentialsError, match=told) as caught:
        hand_over(way, COMMAND)
    assert "old-secret" not in caught.value.message + repr(way)


def test_wrong_addresses_are_told(ray: Dashboard) -> None:
    ray.stop()
    with pytest.raises(ClusterMissingError, match="no Ray cluster answers"):
        RayJobs(ray.url, None).check()
    with pytest.raises(ConfigError, match="is no address"):
        open_way(SubmitProfile(address="ftp://somewhere")).check()


def test_something_else_at_the_address_is_told(ray: Dashboard, way: RayJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Handler, "do_GET", lambda self: self._send("a page"))
    with pytest.raises(AddressError, match="something else"):
        way.check()
    ray.status = 404
    with pytest.raises(JobMissingError):
        way.stop(NAME)


def test_a_dashboard_without_tls_is_told(ray: Dashboard) -> None:
    with pytest.raises(AddressError, match="TLS"):
        RayJobs(ray.url.replace("http", "https"), None).check()


def test_another_ray_on_the_cluster_is_told(ray: Dashboard, way: RayJobs) -> None:
    ray.ray_version = "2.9.3"
    with pytest.raises(OldRayError, match=r"runs Ray 2\.9\.3"):
        hand_over(way, COMMAND)


def test_a_token_is_found_where_ray_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("of-the-file\n", "utf-8")
    named = {"RAY_AUTH_TOKEN_PATH": str(file)}
    assert find_token({**named, "RAY_AUTH_TOKEN": "of-the-variable"}) == "of-the-variable"
    assert find_token(named) == "of-the-file"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_token({}) is None
    with pytest.raises(CredentialsError, match="cannot be read"):
        find_token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "none")})
    with pytest.raises(CredentialsError, match="plain signs"):
        find_token({"RAY_AUTH_TOKEN": "two\nlines"})
