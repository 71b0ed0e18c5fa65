"""Secrets stay in Secrets."""

from __future__ import annotations

import base64
import re

import pytest

from sievert.settings import SECRET_VARIABLES
from tests.charts import CHART, EVERYTHING, INFERENCE, OTHER_OPERATORS, PRESETS, kind, one, pods, preset, render, unfold

SECRET_NAME = re.compile("TOKEN|PASS|SECRET|KEY|AUTH|LEDGER__URL")


def test_the_chart_takes_no_secret_as_a_value() -> None:
    names = re.findall(r'"(\w+)": \{', (CHART / "values.schema.json").read_text("utf-8"))
    told = {name for name in names if re.search("password|token|secret", name, re.IGNORECASE)}
    # a field of settings that is a file's name is no secret; the rest name Secrets
    assert {name for name in told if not re.search("(Secret|Secrets|_file)$", name)} <= {"secrets", "ExternalSecrets"}


@pytest.mark.parametrize("values", [EVERYTHING, INFERENCE, *(preset(name) for name in PRESETS)], ids=str)
def test_what_is_secret_comes_into_a_container_from_a_secret(values: dict[str, object]) -> None:
    for pod in pods(render(values)):
        for container in pod.containers:
            for variable in container.get("env", []):
                if SECRET_NAME.search(variable["name"]) or variable["name"] in SECRET_VARIABLES:
                    assert "secretKeyRef" in variable["valueFrom"], (pod.name, variable["name"])


def test_a_drawn_password_stands_in_its_secret_and_nowhere_else() -> None:
    objects = render(INFERENCE)
    secret = one(objects, "Secret")
    coded = secret["data"]["password"]
    password = base64.b64decode(coded).decode()
    assert len(password) == 40
    others = str([found for found in unfold(objects) if found["kind"] != "Secret"])
    assert password not in others
    assert coded not in others


def test_each_release_draws_another_password() -> None:
    first, second = (one(render(INFERENCE, name=name), "Secret")["data"]["password"] for name in ("a", "b"))
    assert first != second


def test_who_names_secrets_gets_none_from_the_chart() -> None:
    assert (
        kind(render({**EVERYTHING, "inference": {"enabled": True, "redis": {"existingSecret": "mine"}}}), "Secret")
        == []
    )
    assert kind(render(), "Secret") == []


def test_what_signs_and_what_opens_is_given_to_heads_alone() -> None:
    heads_own = {"ledger-secret", "passphrase-secret", "driver-secret"}
    for pod in pods(render(EVERYTHING)):
        named = {name for name in heads_own if name in str(pod.spec)}
        assert named == (heads_own if pod.name.endswith(("inference head", "29384756-ray head")) else set()), pod.name


def test_the_research_head_is_given_them_where_the_site_says_so() -> None:
    objects = render({**EVERYTHING, "research": {"enabled": True, "signs": True}})
    (head,) = [pod for pod in pods(objects) if pod.name.endswith("research head")]
    assert {"ledger-secret", "passphrase-secret", "driver-secret"} <= set(re.findall(r"[\w-]+", str(head.spec)))


def test_secrets_in_files_are_for_the_group_of_the_pod_alone() -> None:
    modes = [
        volume["secret"]["defaultMode"]
        for pod in pods(render(EVERYTHING))
        for volume in pod.spec.get("volumes", [])
        if "secret" in volume
    ]
    assert set(modes) == {0o440}


def test_only_what_makes_or_submits_a_run_or_keeps_state_is_given_no_key_store() -> None:
    for pod in pods(render(EVERYTHING)):
        has = any(volume["name"] == "keys" for volume in pod.spec.get("volumes", []))
        assert has is ("ray.io/node-type" in pod.labels), pod.name


def test_external_secrets_are_fetched_under_the_names_that_pods_read() -> None:
    objects = render(OTHER_OPERATORS)
    fetched = one(objects, "ExternalSecret")["spec"]
    assert fetched["target"]["name"] == "sievert-passphrase"
    assert fetched["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
    assert "sievert-passphrase" in str(pods(objects))
