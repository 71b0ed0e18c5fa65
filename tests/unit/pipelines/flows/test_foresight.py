"""Claims about the cluster that a plan is made for."""

import pytest

from pipelines.flows.foresight import find_cluster
from sievert.errors import ConfigError
from sievert.settings import Settings

LAB = {"clusters": {"lab": {"address": "http://127.0.0.1:8265"}}}


def test_cluster_that_jobs_go_to_is_foretold_under_the_same_name() -> None:
    settings = Settings.model_validate({**LAB, "plan": {"profiles": {"lab": {"nodes": 7}}}})
    assert find_cluster("lab", settings).nodes == 7


def test_cluster_that_jobs_go_to_but_of_whose_nodes_nothing_is_known_is_told_apart_from_an_unknown_name() -> None:
    settings = Settings.model_validate(LAB)
    with pytest.raises(ConfigError) as found:
        find_cluster("lab", settings)
    assert "plan.profiles.lab" in str(found.value.remedy)
    with pytest.raises(ConfigError, match="no cluster profile is named la"):
        find_cluster("la", settings)


def test_example_is_there_until_a_site_writes_its_own() -> None:
    assert find_cluster("hospital", Settings()).nodes == 4
    own = Settings.model_validate({"plan": {"profiles": {"hospital": {"nodes": 9}}}})
    assert find_cluster("hospital", own).nodes == 9
