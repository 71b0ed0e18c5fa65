from __future__ import annotations

import json
import shlex
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from cluster.submission.carried import unpack
from cluster.submission.choosing import open_way
from cluster.submission.following import Follower, hand_over
from cluster.submission.kuberay import KubeRay, fill
from cluster.submission.nouns import State, make_submission
from sievert.errors import (
    AdmissionRefusedError,
    ClockError,
    ClusterMissingError,
    CredentialsError,
    ImageError,
    JobLostError,
    JobStoppedError,
    NamespaceError,
    NotAllowedError,
    OldOperatorError,
    QuotaError,
    SievertError,
    SubmissionError,
    UnschedulableError,
)
from sievert.settings import SubmitProfile
from tests.charts import one, parse, render
from tests.kuberay import operator_faults
from tests.kubeserver import KubeServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster.submission.nouns import Way

pytest.importorskip("kubernetes.client", reason="it comes with `pip install -e '.[dev]'`")
TEMPLATE = """
metadata: {name: "{run}", labels: {app.kubernetes.io/component: nightly}}
spec: {entrypoint: "sievert screen x", shutdownAfterJobFinishes: true}
"""
COMMAND = make_submission(["screen", "s3://images/a&b", "--out", "/results/x"])
NAME = COMMAND.name(1)
FORBIDDEN = 'rayjobs.ray.io is forbidden: User "ann" cannot patch resource "rayjobs" in API group "ray.io"'
QUOTA = 'pods "x" is forbidden: exceeded quota: small, requested: cpu=8, used: cpu=2, limited: cpu=4'
POLICY = 'admission webhook "images.example.org" denied the request: no such registry'
PRIVILEGED = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged'


class Heard:
    """What a person would have read."""

    def __init__(self) -> None:
        self.text, self.lines = "", list[str]()

    def log(self, text: str) -> None:
        self.text += text

    def says(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def server() -> Iterator[KubeServer]:
    made = KubeServer()
    made.token = "known"  # noqa: S105 - a test's own
    made.templates["night-sievert-rayjob"] = TEMPLATE
    yield made
    made.stop()


@pytest.fixture
def way(server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    return way_by(server.kubeconfig(tmp_path / "kubeconfig"), monkeypatch)


def way_by(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, **profile: object) -> Way:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    monkeypatch.setattr("cluster.submission.following.ROUND_S", 0.02)
    monkeypatch.setattr("cluster.submission.following.GRACE_S", 0.0)
    return open_way(SubmitProfile.model_validate({"kind": "kuberay", **profile}))


def later(*steps: Callable[[], object], wait_s: float = 0.15) -> None:
    """The operator, at work while the job is followed."""

    def work() -> None:
        for step in steps:
            time.sleep(wait_s)
            step()

    threading.Thread(target=work, daemon=True).start()


def test_a_submission_becomes_a_rayjob_with_the_same_command_line(server: KubeServer, way: Way) -> None:
    job, joined = hand_over(way, COMMAND)
    assert (job.name, joined) == (NAME, False)
    entrypoint = server.rayjobs[NAME]["spec"]["entrypoint"]
    assert unpack(entrypoint.rpartition(" ")[2])[1] == list(COMMAND.arguments)
    assert shlex.quote(entrypoint.rpartition(" ")[2]) == entrypoint.rpartition(" ")[2]
    assert server.validation == ["Strict"]


def test_the_log_is_streamed_and_the_exit_code_is_the_jobs(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    heard = Heard()
    server.put_pod(f"{NAME}-abc", NAME, "12/100 images\n")
    failed = "Job entrypoint command failed with exit code 23, last available logs"
    later(
        lambda: server.put(NAME, jobDeploymentStatus="Running", jobStatus="RUNNING"),
        lambda: server.pods[f"{NAME}-abc"].update(log="12/100 images\n100/100 images\n"),
        lambda: server.put(NAME, jobDeploymentStatus="Failed", jobStatus="FAILED", message=failed),
    )
    ended = Follower(way, NAME, heard).follow()
    assert ended.exit_code == 23
    assert heard.text == "12/100 images\n100/100 images\n"


def test_a_job_that_succeeds_ends_with_nought(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    assert Follower(way, NAME, Heard()).follow().exit_code == 0


def test_two_submissions_of_one_command_are_one_job(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    same = make_submission(["screen", "s3://images/a&b", "--out=/results/x/"])
    assert hand_over(way, same)[1]
    assert list(server.rayjobs) == [NAME]
    assert not hand_over(way, make_submission(["screen", "s3://images/a&b", "--out", "/results/y"]))[1]


def test_two_that_make_it_at_once_make_one(way: Way) -> None:
    assert way.create(NAME, COMMAND)
    assert not way.create(NAME, COMMAND)


def test_after_a_failure_the_same_command_gets_a_job_of_its_own(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="Failed", jobStatus="FAILED")
    assert hand_over(way, COMMAND)[0].name == COMMAND.name(2)
    server.put(COMMAND.name(2), jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    assert hand_over(way, COMMAND)[1]
    assert hand_over(way, COMMAND, again=True)[0].name == COMMAND.name(3)


def test_a_stopped_job_is_gone_and_who_follows_it_is_told(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="Running")
    later(lambda: way.stop(NAME))
    with pytest.raises(JobStoppedError, match="somebody stopped it"):
        Follower(way, NAME, Heard()).follow()
    assert server.rayjobs == {}
    assert hand_over(way, COMMAND)[0].name == NAME


def test_jobs_are_listed_with_what_they_run(way: Way) -> None:
    hand_over(way, COMMAND)
    (found,) = way.jobs()
    assert (found.name, found.state, found.command) == (NAME, State.WAITING, COMMAND.arguments)


def test_a_job_that_ends_without_an_exit_code_is_lost(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="Failed", reason="DeadlineExceeded")
    with pytest.raises(JobLostError, match="DeadlineExceeded"):
        Follower(way, NAME, Heard()).follow()


@pytest.mark.parametrize(
    ("verb", "answer", "kind", "told"),
    [
        ("patch", (403, FORBIDDEN), NotAllowedError, "you may not patch rayjobs in the namespace clinic"),
        ("patch", (403, 'rayjobs.ray.io "x" is forbidden: exceeded quota: jobs'), QuotaError, "exceeded quota"),
        ("patch", (400, POLICY), AdmissionRefusedError, "no such registry"),
        ("patch", (500, ".spec.rayClusterSpec.authOptions: field not declared in schema"), OldOperatorError, "authOpt"),
        (
            "patch",
            (400, 'strict decoding error: unknown field "spec.authOptions"'),
            OldOperatorError,
            "authOpt",
        ),
        ("list", (404, "the server could not find the requested resource"), OldOperatorError, "not installed"),
        ("list", (503, "etcd is away"), ClusterMissingError, "cannot answer now"),
        ("patch", (422, "something new"), SubmissionError, "something new"),
    ],
)
def test_what_the_api_server_refuses_is_told_in_one_line(
    server: KubeServer, way: Way, verb: str, answer: tuple[int, str], kind: type[SievertError], told: str
) -> None:
    server.refuse[verb, "rayjobs"] = answer
    refused = told_within_ten_seconds(kind, lambda: hand_over(way, COMMAND))
    assert told in refused.message


def told_within_ten_seconds(kind: type[SievertError], work: Callable[[], object]) -> SievertError:
    began_s = time.monotonic()
    with pytest.raises(kind) as caught:
        work()
    assert type(caught.value) is kind
    assert time.monotonic() - began_s < 10
    assert "\n" not in caught.value.message + caught.value.remedy
    return caught.value


def test_a_token_that_is_not_known_is_told(server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    way = way_by(server.kubeconfig(tmp_path / "kubeconfig", token="old"), monkeypatch)  # noqa: S106 - a test's own
    refused = told_within_ten_seconds(CredentialsError, lambda: hand_over(way, COMMAND))
    assert "old" not in refused.message + repr(refused)


def test_a_token_that_looks_expired_by_a_wrong_clock_is_told_as_that(
    server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.late_s = 7200
    way = way_by(server.kubeconfig(tmp_path / "kubeconfig", token="old"), monkeypatch)  # noqa: S106 - a test's own
    refused = told_within_ten_seconds(ClockError, lambda: hand_over(way, COMMAND))
    assert "120 minutes ahead" in refused.message


def test_a_namespace_without_the_chart_is_told(
    server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = way_by(server.kubeconfig(tmp_path / "kubeconfig"), monkeypatch, namespace="elsewhere")
    refused = told_within_ten_seconds(NamespaceError, lambda: hand_over(way, COMMAND))
    assert "elsewhere" in refused.message


def test_an_api_server_that_is_away_is_told(server: KubeServer, way: Way) -> None:
    server.stop()
    told_within_ten_seconds(ClusterMissingError, lambda: hand_over(way, COMMAND))


def test_no_kubeconfig_and_no_such_context_are_told(
    server: KubeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_within_ten_seconds(CredentialsError, lambda: way_by(tmp_path / "none", monkeypatch))
    file = server.kubeconfig(tmp_path / "kubeconfig")
    told_within_ten_seconds(CredentialsError, lambda: way_by(file, monkeypatch, context="other"))


UNSCHEDULABLE = {
    "conditions": [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        }
    ]
}
UNPULLED = {"containerStatuses": [{"image": "r/sievert:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}


@pytest.mark.parametrize(
    ("event", "pod", "kind", "told"),
    [
        ("", UNSCHEDULABLE, UnschedulableError, "nvidia.com/gpu"),
        ("", UNPULLED, ImageError, "r/sievert:1"),
        (QUOTA, {}, QuotaError, "exceeded quota"),
        (PRIVILEGED, {}, AdmissionRefusedError, "PodSecurity"),
    ],
)
def test_a_job_that_does_not_start_says_why_instead_of_initializing(
    server: KubeServer,
    way: Way,
    event: str,
    pod: dict[str, object],
    kind: type[SievertError],
    told: str,
) -> None:
    way.patience_s = 0.3
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="Initializing")
    server.put_pod(f"{NAME}-abc", NAME, status=pod)
    if event:
        server.warn(f"{NAME}-xyz", event)
    server.warn("other-job", "Failed to pull image: not ours")
    heard = Heard()
    refused = told_within_ten_seconds(kind, lambda: Follower(way, NAME, heard).follow())
    assert told in refused.message
    waits = kind in {UnschedulableError, QuotaError}
    assert [told in line for line in heard.lines] == ([True] if waits else [])


def test_room_that_is_made_in_time_is_taken(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="Initializing")
    server.put_pod(f"{NAME}-abc", NAME, status=UNSCHEDULABLE)

    class Ending(Heard):
        def says(self, line: str) -> None:
            super().says(line)
            server.put(NAME, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")

    heard = Ending()
    assert Follower(way, NAME, heard).follow().exit_code == 0
    assert len(heard.lines) == 1


def test_what_the_operator_itself_refuses_is_told(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put(NAME, jobDeploymentStatus="ValidationFailed", message="the name is too long")
    refused = told_within_ten_seconds(SubmissionError, lambda: Follower(way, NAME, Heard()).follow())
    assert "too long" in refused.message


def test_a_network_that_is_away_for_a_while_loses_nothing(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.refuse["get", "rayjobs"] = (503, "asleep")
    heard = Heard()
    later(
        lambda: server.put(NAME, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED"),
        server.refuse.clear,
    )
    assert Follower(way, NAME, heard).follow().exit_code == 0
    assert len(heard.lines) == 1
    assert "trying on" in heard.lines[0]


def test_the_charts_own_template_becomes_a_rayjob_that_the_operator_takes() -> None:
    text = one(render(), "ConfigMap", "-rayjob")["data"]["rayjob.yaml"]
    made = fill(yaml.safe_load(text), make_submission(["screen", "x"], "a" * 24).name(99), COMMAND)
    made["metadata"]["namespace"] = "clinic"
    assert operator_faults(made) == []
    assert parse(json.dumps(made)) == [made]
    assert made["metadata"]["labels"]["app.kubernetes.io/component"] != "nightly"


def test_the_submitters_role_of_the_chart_grants_what_is_used_and_no_more(server: KubeServer, way: Way) -> None:
    hand_over(way, COMMAND)
    server.put_pod(f"{NAME}-abc", NAME, "log")
    assert isinstance(way, KubeRay)
    for asked in (way.jobs(), way.job(NAME), list(way.log(NAME))):
        assert asked
    assert way.trouble(NAME) is None
    way.stop(NAME)
    used = {(verb, resource) for verb, resource, _ in server.asked}
    # a patch by server-side apply that makes an object needs `create` too (Kubernetes: server-side apply, RBAC)
    used.add(("create", "rayjobs"))
    rules = one(render(), "Role", "-submitter")["rules"]
    granted = {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}
    assert granted == used
    assert next(rule for rule in rules if "configmaps" in rule["resources"])["resourceNames"] == [
        "night-sievert-rayjob"
    ]
