from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.flows.online.screener import Answer
from serve.operations import catalogue
from serve.operations.exposition import Exposition
from serve.operations.metrics import Metrics, stages_of
from tests.unit.serve.operations.pages import samples_of

STAGE_S = {"admission": 0.2, "preprocess.resize": 0.03, "preprocess.clahe": 0.01, "decide": 0.1, "seal": 0.02}
ANSWER = Answer({"decision": "positive", "probability": 0.93, "flagged": True}, {}, STAGE_S)
REFUSED = Answer({"reason": "scope.modality"}, {}, {"admission": 0.1})
OTHER = """
import sys
from pathlib import Path
from serve.operations.metrics import Metrics

metrics = Metrics(Path(sys.argv[1]))
metrics.begun("default")
metrics.answered("/v1/studies", "POST", 200, 0.1)
"""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(None)


def test_a_study_is_counted_by_its_decision_probability_and_stages(metrics: Metrics) -> None:
    metrics.screened("default", ANSWER, 0.3)
    found = samples_of(metrics.registry)
    assert found["sievert_decisions_total", "default", "positive"] == 1
    assert found["sievert_flagged_total", "default"] == 1
    assert found["sievert_probability_bucket", "default", "0.9"] == 0
    assert found["sievert_probability_bucket", "default", "1.0"] == 1
    assert found["sievert_stage_seconds_sum", "default", "preprocess"] == pytest.approx(0.04)
    assert found["sievert_stage_seconds_sum", "default", "total"] == pytest.approx(0.3)


def test_a_refused_study_is_counted_by_its_reasons_family_only(metrics: Metrics) -> None:
    metrics.screened("default", REFUSED, 0.1)
    found = samples_of(metrics.registry)
    assert found["sievert_quarantined_total", "default", "scope"] == 1
    assert not any(key[0].startswith(("sievert_decisions", "sievert_probability")) for key in found)


def test_steps_of_preprocessing_are_one_stage_and_what_is_not_shown_is_left_out() -> None:
    assert stages_of(STAGE_S) == pytest.approx({"admission": 0.2, "seal": 0.02, "preprocess": 0.04})


def test_a_method_that_nobody_knows_makes_no_series_of_its_own(metrics: Metrics) -> None:
    for method in ("PROPFIND", "XYZZY"):
        metrics.answered("none", method, 405, 0.1)
    assert samples_of(metrics.registry)["sievert_requests_total", "none", "other", "405"] == 2


def test_the_page_adds_up_processes_and_keeps_the_counts_of_one_that_is_gone(tmp_path: Path) -> None:
    ours = Metrics(tmp_path)
    ours.begun("front")
    ours.answered("/v1/studies", "POST", 200, 0.1)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", OTHER, str(tmp_path)], check=True)
    page = Exposition(tmp_path, []).page().decode()
    lines = page.splitlines()
    assert 'sievert_requests_total{method="POST",route="/v1/studies",status="200"} 3.0' in lines
    assert 'sievert_requests_in_hand{app="front"} 1.0' in lines
    assert not [line for line in lines if line.startswith('sievert_requests_in_hand{app="default"}')]


def test_every_metric_of_the_catalogue_has_a_name_and_unit_as_prometheus_asks_for() -> None:
    names = [kind.name for kind in catalogue.KINDS]
    assert len(set(names)) == len(names)
    for kind in catalogue.KINDS:
        assert kind.name.startswith("sievert_")
        assert not kind.name.endswith(("_total", "_ms", "_count", "_sum", "_bucket"))
        assert bool(kind.buckets) == (kind.type == "histogram")


def test_the_page_is_one_that_prometheus_reads(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.screened("default", ANSWER, 0.3)
    metrics.drifted("default", {"probability": 0.12}, 200)
    page = Exposition(tmp_path, [lambda: [(catalogue.REPLICAS, ("default",), 2.0)]]).page().decode()
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert families["sievert_replicas"].samples[0].value == 2
    assert families["sievert_drift_psi"].samples[0].labels == {"model": "default", "of": "probability"}


def test_a_reader_that_fails_takes_only_its_own_metrics_off_the_page(tmp_path: Path) -> None:
    Metrics(tmp_path)

    def broken() -> list[tuple[catalogue.Kind, tuple[str, ...], float]]:
        raise OSError("away")

    page = Exposition(tmp_path, [broken, lambda: [(catalogue.JOBS_OPEN, (), 3.0)]]).page().decode()
    assert "sievert_jobs_open 3.0" in page
