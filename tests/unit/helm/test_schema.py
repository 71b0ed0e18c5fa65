"""A value that is misspelt or cannot be is refused by Helm before anything is sent, and by the model."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import ValidationError

from cluster.chart.values import Values
from tests.charts import CHART, refusal
from tests.schemas import Breach, breaches

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
ALL = {breach.where: breach for breach in breaches(SCHEMA)}


@pytest.fixture(scope="module")
def go_refuses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Helm's own check of values, in this process; the chart has nothing but the schema, so no default fills a gap."""
    sdk = pytest.importorskip("helm_python", reason="the Helm 4 SDK comes with `pip install -e '.[dev]'`")
    bare = tmp_path_factory.mktemp("bare")
    for name in ("Chart.yaml", "values.schema.json"):
        shutil.copy(CHART / name, bare)
    with sdk.Chart.load(str(bare)) as chart:

        def refuses(breach: Breach) -> bool:
            try:
                chart.validate_schema(breach.values)
            except sdk.errors.HelmValuesError:
                return True
            return False

        yield refuses


def test_every_kind_of_constraint_is_tried() -> None:
    kinds = {where.rpartition(" ")[2] for where in ALL}
    assert {
        "type",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "enum",
        "minItems",
        "maxItems",
        "required",
    } <= kinds
    assert any(where.endswith(".unknown") for where in ALL)
    assert len(ALL) > 400


def test_helm_refuses_a_value_beyond_each_constraint(go_refuses: object) -> None:
    assert callable(go_refuses)
    # each asking costs Helm a reading of the whole schema, so of parts that come up again it is asked once
    few = {where.rpartition(".")[2]: breach for where, breach in ALL.items()}
    assert len(few) > 200
    assert [where for where, breach in few.items() if not go_refuses(breach)] == []


def test_the_schema_refuses_a_value_beyond_each_constraint() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="it comes with `pip install -e '.[dev]'`")
    schema = jsonschema.Draft7Validator(SCHEMA)
    assert [where for where, breach in ALL.items() if schema.is_valid(breach.values)] == []
    assert schema.is_valid({})


def test_the_model_refuses_a_value_beyond_each_constraint() -> None:
    taken = []
    for where, breach in ALL.items():
        try:
            Values.model_validate(breach.values)
        except ValidationError:
            continue
        taken.append(where)
    assert taken == []


@pytest.mark.parametrize(
    "where", ["nightly.schedule pattern", ".unknown", "results.kind enum", "podSecurity.user minimum"]
)
def test_helm_3_refuses_and_names_the_value(where: str) -> None:
    told = refusal(ALL[where].values)
    assert "values don't meet the specifications of the schema" in told
    assert where.split(" ", maxsplit=1)[0].removeprefix(".unknown").split(".")[-1] in told


def test_the_defaults_are_the_models_own() -> None:
    written = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert Values.model_validate(written) == Values()
    assert set(written) == {field.alias for field in Values.model_fields.values()}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"admit": {"min_sides_px": 3}}, "min_sides_px"),
        ({"store": {"keys": "/elsewhere"}}, "store"),
        ({"ledger": {"url": "https://token@node.example.org"}}, "ledger"),
        ({"serve": {"port": 80}}, "port"),
        ({"notify": {"webhook": {"url": "https://hooks.example.org/token"}}}, "url"),
        ({"cohort": {"shard_size": -1}}, "shard_size"),
    ],
)
def test_settings_that_are_unknown_secret_or_the_charts_own_are_refused(settings: dict[str, object], told: str) -> None:
    assert told in refusal({"settings": settings})
    with pytest.raises(ValidationError, match=told):
        Values.model_validate({"settings": settings})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"nightly": {"enabled": False}}, "nothing is enabled"),
        ({"inference": {"enabled": True, "shelf": ["default"]}}, "both name default"),
        ({"inference": {"enabled": True, "shelf": ["roller"]}}, "under the name roller"),
        ({"settings": {"serve": {"shelf": "/models"}}}, "inference.shelf"),
        ({"results": {"kind": "s3"}}, "results.url"),
        (
            {"results": {"kind": "s3", "url": "s3://bucket/x"}, "inference": {"enabled": True}},
            "on a volume",
        ),
        ({"ledger": {"kind": "rpc"}}, "ledger.existingSecret"),
        ({"inference": {"enabled": True}}, "one writer"),
        ({"research": {"enabled": True, "signs": True}}, "nightly and research|research and nightly"),
        ({"images": {"enabled": False}}, "images.enabled is false"),
        ({"kueue": {"queue": "q"}, "nightly": {"autoscaling": {"enabled": True}}}, "exclude each other"),
        ({"externalSecrets": {"store": "vault"}}, "names none"),
        ({"nightly": {"groups": [{"name": "a"}, {"name": "a"}]}}, "two groups"),
        ({"nightly": {"groups": [{"name": "a", "memoryGib": 4, "objectStoreGib": 4}]}}, "objectStoreGib"),
        ({"nightly": {"groups": [{"name": "a", "minReplicas": 9}]}}, "minReplicas"),
        ({"nightly": {"groups": [{"name": "a", "replicas": 9}], "autoscaling": {"enabled": True}}}, "maxReplicas"),
        ({"nightly": {"head": {"objectStoreGib": 8}}}, "nightly.head"),
    ],
)
def test_values_that_do_not_go_together_are_refused_in_words(values: dict[str, object], told: str) -> None:
    assert re.search(told, refusal(values))
