"""What each component asks a cluster for."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sievert.settings import load_settings
from tests.charts import EVERYTHING, INFERENCE, PRESETS, cluster_spec, kind, one, pods, preset, render

if TYPE_CHECKING:
    from pathlib import Path

    from sievert.settings import Settings

CASES = {"defaults": {}, "everything": EVERYTHING, **{name: preset(name) for name in PRESETS}}


def settings_of(values: dict[str, Any], folder: Path) -> Settings:
    file = folder / "sievert.toml"
    file.write_text(one(render(values), "ConfigMap", "-settings")["data"]["sievert.toml"], "utf-8")
    return load_settings(config=file, environment={}).settings


@pytest.mark.parametrize("name", CASES)
def test_the_settings_file_loads_and_says_where_things_are_mounted(name: str, tmp_path: Path) -> None:
    settings = settings_of(CASES[name], tmp_path)
    containers = [container for pod in pods(render(CASES[name])) for container in pod.containers]
    mounted = {mount["mountPath"] for container in containers for mount in container["volumeMounts"]}
    paths: list[Path | None] = [settings.store.keys, settings.ledger.locks, settings.serve.state]
    paths += [settings.store.ledger] if settings.ledger.kind == "embedded" else [settings.ledger.keystore]
    assert settings.cluster.address == "auto"
    assert all(any(str(path).startswith(f"{place}/") for place in mounted) for path in paths)


def test_what_a_site_sets_is_in_the_file_beside_what_the_chart_sets(tmp_path: Path) -> None:
    settings = settings_of(
        {"settings": {"admit": {"burned_in_text": "mask", "min_bits": 10}, "audit": {"actor": "night shift"}}}, tmp_path
    )
    assert settings.admit.burned_in_text == "mask"
    assert settings.admit.min_bits == 10
    assert settings.audit.actor == "night shift"
    assert settings_of({}, tmp_path).audit.actor == "clinic/night"


def test_the_ledger_and_the_passphrase_are_what_the_values_say(tmp_path: Path) -> None:
    settings = settings_of(EVERYTHING, tmp_path)
    assert (settings.ledger.kind, settings.ledger.chain_id, settings.ledger.confirmations) == ("rpc", 1, 12)
    assert str(settings.store.passphrase_file) == "/secrets/keys/passphrase"
    assert settings.ledger.url is None


def test_other_settings_make_another_version_of_the_pods() -> None:
    def version(values: dict[str, Any]) -> str:
        template = cluster_spec(one(render(values), "RayJob"))["headGroupSpec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/settings"])

    assert version({}) == version({})
    assert version({}) != version({"settings": {"predict": {"batch_size": 4}}})


def test_a_head_runs_no_tasks_and_token_authentication_is_on_everywhere() -> None:
    clusters = [cluster_spec(one(render(EVERYTHING), name)) for name in ("RayCluster", "RayJob", "RayService")]
    for cluster in clusters:
        assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
        assert cluster["authOptions"] == {"mode": "token"}


def test_a_token_of_the_sites_own_is_named() -> None:
    found = cluster_spec(one(render({"auth": {"existingSecret": "mine"}}), "RayJob"))
    assert found["authOptions"] == {"mode": "token", "secretName": "mine"}


def test_the_night_is_screened_with_as_many_workers_as_there_may_be() -> None:
    values = {
        "nightly": {
            "inputs": ["/images/a b", "s3://x/{today}/"],
            "policy": "chest-x-ray",
            "groups": [
                {"name": "one", "replicas": 3, "cpus": 4},
                {"name": "two", "replicas": 1, "cpus": 2, "maxReplicas": 5},
            ],
        }
    }
    words = shlex.split(one(render(values), "RayJob")["spec"]["entrypoint"])
    assert words[:5] == ["sievert", "screen", "/images/a b", "s3://x/20270102/", "--out"]
    assert words[words.index("--workers") + 1] == "14"
    assert words[words.index("--policy") + 1] == "chest-x-ray"
    scaled = {**values["nightly"], "autoscaling": {"enabled": True}}
    words = shlex.split(one(render({"nightly": scaled}), "RayJob")["spec"]["entrypoint"])
    assert words[words.index("--workers") + 1] == str(4 * 4 + 5 * 2)


def test_the_nights_command_line_is_one_that_the_program_takes() -> None:
    from typer.main import get_command

    from sievert.cli.main import app

    words = shlex.split(one(render(preset("hospital")), "RayJob")["spec"]["entrypoint"])
    group: Any = get_command(app)
    screen = group.commands["screen"]
    told = screen.make_context("screen", words[2:]).params
    assert told["policy"] == "chest-x-ray"
    assert str(told["out"]).startswith("/results/")


def test_results_in_a_bucket_need_no_volume() -> None:
    objects = render({"results": {"kind": "s3", "url": "s3://screening-results/nightly/"}})
    assert (
        "'s3://screening-results/nightly/{run}'".replace("{run}", "night-sievert-nightly-29384756")
        in one(objects, "RayJob")["spec"]["entrypoint"]
    )
    assert not [
        found for found in kind(objects, "PersistentVolumeClaim") if found["metadata"]["name"].endswith("-results")
    ]


def test_a_failed_night_goes_on_and_one_that_hangs_or_cannot_start_ends() -> None:
    spec = one(render(), "RayJob")["spec"]
    assert spec["backoffLimit"] == 2
    assert spec["activeDeadlineSeconds"] == 28800
    assert spec["preRunningDeadlineSeconds"] == 1800
    assert spec["shutdownAfterJobFinishes"] is True


def test_one_night_at_a_time_and_a_failed_one_is_not_asked_for_again_and_again() -> None:
    spec = one(render(), "CronJob")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    final = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]
    assert final["action"] == "FailJob"
    assert 1 in final["onExitCodes"]["values"]
    assert 70 not in final["onExitCodes"]["values"]


def test_gpus_and_slices_are_asked_for_counted_and_placed() -> None:
    group = next(
        one
        for one in cluster_spec(one(render(preset("hospital")), "RayCluster"))["workerGroupSpecs"]
        if one["groupName"] == "slice"
    )
    container = group["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == "1"
    assert container["image"].endswith("-cuda")
    assert group["rayStartParams"]["num-gpus"] == "1"
    assert group["template"]["spec"]["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]


def test_an_image_by_digest_is_pulled_by_it() -> None:
    digest = "sha256:" + "a" * 64
    values = {"image": {"repository": "registry.example.org/sievert", "cpu": {"digest": digest}}}
    images = {
        container["image"] for pod in pods(render(values)) for container in pod.containers if "image" in container
    }
    assert images == {f"registry.example.org/sievert@{digest}"}


def test_the_object_store_fits_its_volume_and_the_disk_is_bounded() -> None:
    for pod in pods(render(preset("national"))):
        volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
        for volume in volumes.values():
            assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], pod.name
    cluster = cluster_spec(one(render(preset("national")), "RayJob"))
    size = int(cluster["headGroupSpec"]["rayStartParams"]["object-store-memory"])
    assert 0.95 * (8 << 30) < size < 8 << 30


def test_kueue_finds_its_queue_on_what_it_admits() -> None:
    still = {"enabled": True, "autoscaling": {"enabled": False}}
    objects = render({**EVERYTHING, "kueue": {"queue": "screening"}, "research": still, "inference": still})
    for name in ("RayCluster", "RayJob", "RayService"):
        assert one(objects, name)["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "screening"
    assert "kueue" not in str(render())


def test_the_autoscaler_is_version_two_and_off_where_it_is_not_asked_for() -> None:
    objects = render(EVERYTHING)
    assert cluster_spec(one(objects, "RayCluster"))["autoscalerOptions"]["version"] == "v2"
    night = cluster_spec(one(objects, "RayJob"))
    assert night["enableInTreeAutoscaling"] is False
    assert {group["minReplicas"] == group["maxReplicas"] for group in night["workerGroupSpecs"]} == {True}


def test_the_service_has_an_app_a_model_a_front_and_one_that_anchors_where_the_signer_is() -> None:
    values = {
        **INFERENCE,
        "inference": {"enabled": True, "models": ["default", "chest"]},
        "models": {"existingClaim": "m"},
    }
    service = one(render(values), "RayService")
    apps = {app["name"]: app for app in yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]}
    assert {app["import_path"] for app in apps.values()} == {"serve.hosting.cluster:build"}
    assert apps["chest"]["args"] == {"app": "model", "models": ["/models/chest"], "results": "/results"}
    assert apps["chest"]["route_prefix"] == "/v2/models/chest"
    assert apps["front"]["args"] == {"app": "front", "models": ["default", "/models/chest"], "results": "/results"}
    assert apps["roller"]["args"]["app"] == "roller"
    assert apps["roller"]["route_prefix"] is None
    assert "shelf" not in apps
    told = cluster_spec(service)["headGroupSpec"]["rayStartParams"]["resources"]
    assert json.loads(json.loads(told)) == {"signer": 1}


def test_models_that_are_seldom_asked_share_an_app_that_only_the_front_reaches() -> None:
    inference = {"enabled": True, "shelf": ["chest", "hand"]}
    service = one(render({**INFERENCE, "inference": inference, "models": {"existingClaim": "m"}}), "RayService")
    apps = {app["name"]: app for app in yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]}
    assert apps["shelf"]["route_prefix"] is None
    assert apps["shelf"]["args"] == {"app": "shelf", "models": ["/models/chest", "/models/hand"], "results": "/results"}
    assert apps["front"]["args"]["shelf"] == ["/models/chest", "/models/hand"]
    assert apps["front"]["args"]["models"] == ["default"]


def test_the_services_head_may_die() -> None:
    objects = render(INFERENCE)
    found = cluster_spec(one(objects, "RayService"))["gcsFaultToleranceOptions"]
    redis = one(objects, "StatefulSet")
    assert found["redisAddress"] == f"{one(objects, 'Service')['metadata']['name']}:6379"
    assert found["redisPassword"]["valueFrom"]["secretKeyRef"]["name"] == one(objects, "Secret")["metadata"]["name"]
    assert "--appendonly yes" in redis["spec"]["template"]["spec"]["containers"][0]["args"][0]
    own = {"enabled": True, "redis": {"address": "rediss://redis.example.org:6380", "existingSecret": "mine"}}
    assert kind(render({**INFERENCE, "inference": own}), "StatefulSet") == []


def test_a_second_cluster_beside_the_first_never_writes_the_embedded_ledger() -> None:
    assert one(render(INFERENCE), "RayService")["spec"]["upgradeStrategy"]["type"] == "None"
    assert one(render(EVERYTHING), "RayService")["spec"]["upgradeStrategy"]["type"] == "NewCluster"


def test_results_and_keys_outlive_the_release() -> None:
    claims = kind(render(), "PersistentVolumeClaim")
    assert {claim["metadata"]["name"].rpartition("-")[2] for claim in claims} == {"keys", "results", "images", "ledger"}
    assert {claim["metadata"]["annotations"]["helm.sh/resource-policy"] for claim in claims} == {"keep"}


def test_claims_of_the_sites_own_are_used() -> None:
    values = {"keys": {"claim": {"existingClaim": "my-keys"}}, "images": {"existingClaim": "my-images"}}
    objects = render(values)
    assert not {"my-keys", "my-images"} & {
        claim["metadata"]["name"] for claim in kind(objects, "PersistentVolumeClaim")
    }
    assert "my-keys" in str(one(objects, "RayJob"))


def test_heads_are_not_evicted_and_one_worker_of_the_service_stays() -> None:
    budgets = {one["metadata"]["name"]: one["spec"] for one in kind(render(EVERYTHING), "PodDisruptionBudget")}
    assert set(budgets) == {
        f"night-sievert-{name}" for name in ("research-head", "nightly-head", "inference-head", "inference-workers")
    }
    assert all(isinstance(budget["minAvailable"], int) for budget in budgets.values())
    assert kind(render({"disruption": {"protectHeads": False}}), "PodDisruptionBudget") == []


def test_ray_is_asked_for_its_health_where_it_answers_without_a_token() -> None:
    for pod in pods(render(EVERYTHING)):
        for container in pod.containers:
            if container["name"] in {"ray-head", "ray-worker"}:
                assert container["livenessProbe"]["httpGet"] == {"path": "/api/healthz", "port": 52365}
                assert "startupProbe" in container
