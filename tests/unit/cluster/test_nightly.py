from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cluster.nightly import Run, fill_template, main, run_and_follow
from sievert.errors import ClusterError, ConfigError
from tests.charts import one, parse, render
from tests.kuberay import operator_faults
from tests.rayjobserver import RayJobServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATE = """
metadata: {name: "{run}", labels: {app.kubernetes.io/instance: night, kueue.x-k8s.io/queue-name: q}}
spec: {entrypoint: "sievert screen 'x?StudyDate={yesterday}&{other}' --out '/results/{run}' # {today}"}
"""
RUN = Run("night-1", "clinic", "uid-1")
NEW_YEAR = date(2027, 1, 1)


@pytest.fixture
def server() -> Iterator[RayJobServer]:
    made = RayJobServer()
    yield made
    made.stop()


@pytest.fixture
def api(server: RayJobServer) -> Any:  # noqa: ANN401 - the client ships no types
    client = pytest.importorskip("kubernetes.client", reason="it comes with `pip install -e '.[dev]'`")
    settings = client.Configuration(host=server.url)
    settings.retries = False
    return client.CustomObjectsApi(client.ApiClient(settings))


def body() -> dict[str, Any]:
    return fill_template(TEMPLATE, RUN, NEW_YEAR)


def end_later(server: RayJobServer, *states: dict[str, str], wait_s: float = 0.1) -> None:
    """The operator, at work while the run is followed."""

    def work() -> None:
        server.await_change(RUN.name, 0, 10)  # until it is made
        for state in states:
            threading.Event().wait(wait_s)
            server.put(RUN.name, None, **state)

    threading.Thread(target=work, daemon=True).start()


def test_the_run_and_its_dates_are_filled_in_and_nothing_else() -> None:
    made = body()
    assert made["metadata"]["name"] == "night-1-ray"
    assert made["metadata"]["namespace"] == "clinic"
    assert made["spec"]["entrypoint"] == (
        "sievert screen 'x?StudyDate=20261231&{other}' --out '/results/night-1' # 20270101"
    )


def test_the_rayjob_goes_when_the_job_that_made_it_goes() -> None:
    assert body()["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "night-1", "uid": "uid-1"}
    ]
    assert "ownerReferences" not in fill_template(TEMPLATE, Run("a", "b", ""), NEW_YEAR)["metadata"]


@pytest.mark.parametrize("name", ["1st", "Night", "a" * 44, "night_1", ""])
def test_a_name_that_no_rayjob_can_have_is_refused_before_it_is_sent(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        fill_template(TEMPLATE, Run(name, "clinic", ""), NEW_YEAR)


def test_the_rayjob_is_not_called_like_the_job_that_makes_it() -> None:
    # KubeRay would take that Job for the one that submits, and wait for ever
    assert body()["metadata"]["name"] != body()["metadata"]["ownerReferences"][0]["name"]


def test_the_charts_template_becomes_a_rayjob_that_the_operator_takes() -> None:
    text = one(render(), "ConfigMap", "-rayjob")["data"]["rayjob.yaml"]
    made = fill_template(text, RUN, NEW_YEAR)
    assert operator_faults(made) == []
    assert "{" not in made["spec"]["entrypoint"]
    assert parse(yaml.safe_dump(made)) == [made]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}, "SUCCEEDED"),
        ({"jobDeploymentStatus": "Failed", "jobStatus": "FAILED"}, "FAILED"),
        ({"jobDeploymentStatus": "Failed", "reason": "DeadlineExceeded"}, "DeadlineExceeded"),
    ],
)
def test_a_run_is_made_and_followed_to_its_end(
    server: RayJobServer, api: object, state: dict[str, str], told: str
) -> None:
    end_later(server, {"jobDeploymentStatus": "Initializing"}, {"jobDeploymentStatus": "Running"}, state)
    assert run_and_follow(api, body()) == told
    assert server.jobs["night-1-ray"]["spec"]["entrypoint"].startswith("sievert screen")
    assert "Strict" in server.asked


def test_a_run_that_goes_on_after_a_failed_try_is_not_ended_yet(server: RayJobServer, api: object) -> None:
    done = {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}
    end_later(server, {"jobDeploymentStatus": "Retrying", "jobStatus": "FAILED"}, done)
    assert run_and_follow(api, body()) == "SUCCEEDED"


def test_who_is_started_again_follows_the_run_that_is_there(server: RayJobServer, api: object) -> None:
    server.put(RUN.name, body(), jobDeploymentStatus="Running")
    end_later(server, {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"})
    assert run_and_follow(api, body()) == "SUCCEEDED"
    assert list(server.jobs) == ["night-1-ray"]


def test_a_watch_that_ends_without_news_is_taken_up_again(server: RayJobServer, api: object) -> None:
    end_later(server, {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}, wait_s=0.8)
    assert run_and_follow(api, body()) == "SUCCEEDED"
    assert server.verbs.count("watch") >= 2


def test_last_nights_run_that_is_still_going_is_not_overtaken(server: RayJobServer, api: object) -> None:
    server.put("night-0", jobDeploymentStatus="Running")
    with pytest.raises(ClusterError, match="night-0 is still under way"):
        run_and_follow(api, body())
    assert "night-1-ray" not in server.jobs
    assert server.asked == ["app.kubernetes.io/instance=night"]


def test_a_run_that_ended_is_no_hindrance(server: RayJobServer, api: object) -> None:
    server.put("night-0", jobDeploymentStatus="Failed")
    end_later(server, {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"})
    assert run_and_follow(api, body()) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("verb", "status", "told"),
    [("create", 403, "refused \\(403"), ("list", 401, "refused \\(401"), ("get", 404, "gone")],
)
def test_what_the_api_server_refuses_is_told_in_one_line(
    server: RayJobServer, api: object, verb: str, status: int, told: str
) -> None:
    server.refuse[verb] = status
    with pytest.raises(ClusterError, match=told) as caught:
        run_and_follow(api, body())
    assert "\n" not in caught.value.message


def test_an_api_server_that_is_away_is_told_of(server: RayJobServer, api: object) -> None:
    server.stop()
    with pytest.raises(ClusterError, match="does not answer"):
        run_and_follow(api, body())


def test_the_role_of_the_chart_grants_what_is_used_and_no_more(server: RayJobServer, api: object) -> None:
    end_later(server, {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"})
    run_and_follow(api, body())
    objects = render()
    (rule,) = one(objects, "Role", "-nightly")["rules"]
    assert rule["apiGroups"] == ["ray.io"]
    assert rule["resources"] == ["rayjobs"]
    assert set(rule["verbs"]) == set(server.verbs)
    binding = one(objects, "RoleBinding")
    assert binding["subjects"][0]["name"] == "night-sievert-nightly"
    assert not [found for found in objects if found["kind"].startswith("Cluster")]


def test_the_program_takes_the_arguments_that_the_chart_gives_it(
    server: RayJobServer, api: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = render()
    container = one(objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    file = tmp_path / "rayjob.yaml"
    file.write_text(one(objects, "ConfigMap", "-rayjob")["data"]["rayjob.yaml"], "utf-8")
    known = {"NAMESPACE": "clinic", "JOB": "night-1", "OWNER": "uid-1"}
    assert {entry["name"] for entry in container["env"]} - {"HOME"} == set(known)
    words = [str(word) for word in container["args"][1:]]
    words = [_expanded(word, known) for word in words]
    monkeypatch.setattr("cluster.nightly._connected", lambda: api)
    end_later(server, {"jobDeploymentStatus": "Failed", "jobStatus": "FAILED"})
    assert main([str(file), *words]) == 1
    assert container["command"] == ["python", "-m", "cluster.nightly"]


def test_outside_a_cluster_the_program_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("kubernetes.client", reason="it comes with `pip install -e '.[dev]'`")
    file = tmp_path / "rayjob.yaml"
    file.write_text(TEMPLATE, "utf-8")
    assert main([str(file), "--namespace=clinic", "--job=night-1"]) == ConfigError.exit_code
    assert "no pod of a Kubernetes cluster" in capsys.readouterr().err


def test_a_time_zone_that_is_none_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rayjob.yaml", "--namespace=clinic", "--job=night-1", "--time-zone=Mars/Olympus"])
    assert ended.value.code == 2
    assert "is no time zone" in capsys.readouterr().err


def _expanded(word: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        word = word.replace(f"$({name})", value)
    return word
