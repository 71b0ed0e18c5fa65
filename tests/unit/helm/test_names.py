"""Names are within KubeRay's limits, and two releases do not meet."""

from __future__ import annotations

import pytest

from tests.charts import EVERYTHING, one, pods, refusal, render, unfold

LONGEST = "a" * 18  # and `-sievert`


def test_the_longest_name_that_is_taken_leaves_room_for_what_kuberay_appends() -> None:
    objects = render(EVERYTHING, name=LONGEST)
    assert len(one(objects, "RayJob")["metadata"]["name"]) == 47
    assert len(one(objects, "CronJob")["metadata"]["name"]) <= 52
    assert max(len(found["metadata"]["name"]) for found in objects) <= 63


@pytest.mark.parametrize("name", [LONGEST + "b", "sievert-" + "a" * 19])
def test_a_name_that_is_longer_is_refused_before_anything_is_sent(name: str) -> None:
    assert "characters" in refusal({}, name=name)


def test_a_name_that_begins_with_a_digit_is_refused_and_can_be_overridden() -> None:
    assert "begins with a letter" in refusal({}, name="2nd")
    assert render({"fullnameOverride": "second"}, name="2nd")


def test_a_release_that_is_called_sievert_does_not_say_so_twice() -> None:
    assert one(render(name="sievert"), "CronJob")["metadata"]["name"] == "sievert-nightly"


def test_two_releases_in_one_namespace_share_no_object() -> None:
    first, second = (
        {(found["kind"], found["metadata"]["name"]) for found in unfold(render(EVERYTHING, name=name))}
        for name in ("a", "b")
    )
    assert first & second == set()


def test_no_selector_of_a_release_matches_a_pod_of_another() -> None:
    others = [pod.labels for pod in pods(render(EVERYTHING, name="b"))]
    for found in render(EVERYTHING, name="a"):
        spec = found.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector", {}))
        wanted = selector.get("matchLabels", selector)
        assert not wanted or not any(wanted.items() <= labels.items() for labels in others), found["metadata"]["name"]
