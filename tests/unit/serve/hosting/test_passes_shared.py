from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from serve.hosting.sharing import require_cpus, with_passes
from sievert.errors import ConfigError
from sievert.settings import ClusterSettings, ServeSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.hosting.sharing.count_cores", lambda: 8)


@pytest.mark.parametrize(
    ("serve", "models", "passes"),
    [
        ({}, 1, 1),
        ({"min_replicas": 0}, 1, 1),
        ({"max_replicas": 1}, 1, 4),
        ({"max_replicas": 1}, 4, 2),
        ({"max_replicas": 4}, 1, 2),
        ({"max_replicas": 4}, 20, 1),
        ({"max_replicas": 1, "num_gpus": 0.5}, 1, 1),
        ({"passes": 7}, 3, 7),
    ],
)
def test_a_replica_runs_its_share_of_the_cpus_as_passes(serve: Mapping[str, Any], models: int, passes: int) -> None:
    assert with_passes(Settings(serve=ServeSettings(**serve)), models).serve.passes == passes


def test_on_a_cluster_whose_nodes_may_have_one_cpu_it_is_one() -> None:
    settings = Settings(cluster=ClusterSettings(address="10.0.0.1:6379"), serve=ServeSettings(max_replicas=1))
    assert with_passes(settings, 1).serve.passes == 1


@pytest.mark.parametrize(
    ("serve", "address", "threads"),
    [
        ({}, None, 4),
        ({"threads_alone": 2}, None, 2),
        ({"num_gpus": 1}, None, 1),
        ({}, "10.0.0.1:6379", 1),
    ],
)
def test_a_study_that_is_alone_gets_the_cpus_of_a_machine_that_is_ours(
    serve: Mapping[str, Any], address: str | None, threads: int
) -> None:
    settings = Settings(cluster=ClusterSettings(address=address), serve=ServeSettings(**serve))
    assert with_passes(settings, 1).serve.threads_alone == threads


def test_more_replicas_than_cpus_are_told_before_anybody_waits_for_them() -> None:
    settings = Settings(serve=ServeSettings(passes=2))
    require_cpus(settings, 4, 8, most=4)
    with pytest.raises(ConfigError, match="10 CPUs"):
        require_cpus(settings, 5, 8, most=4)
    require_cpus(Settings(serve=ServeSettings(passes=2, min_replicas=0)), 5, 8, most=4)
    require_cpus(Settings(serve=ServeSettings(min_replicas=100)), 1, 8, most=8)
    require_cpus(Settings(cluster=ClusterSettings(address="10.0.0.1:6379")), 500, 8, most=4)
