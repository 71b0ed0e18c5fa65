"""What an operator sees of a real service: metrics of all processes, traces through HAProxy, the journal, the audit."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.results.audit import AuditLog
from serve.access.apikeys import ApiKeys
from serve.access.principal import Role
from serve.operations import catalogue
from tests.dicoms import chest, encoded
from tests.otlpcollector import Collector, collecting
from tests.services import Service, start_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
DICOM = {"Content-Type": "application/dicom"}
TRACED = {**DICOM, "traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "ct-1.17"}
LATER = catalogue.ANCHORED.name
"""Absent until something is anchored."""
NEVER_HERE = {
    "sievert_requests_refused": "nothing was refused",
    "sievert_sidecar_restarts": "nothing died",
    "sievert_drift_psi": "there were too few studies",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """A service that was asked, and has ended in good order: so all is written and sent."""
    with collecting() as collector:
        settings = {"SIEVERT_SERVE__ROLL_AFTER_S": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        service = start_service(tmp_path_factory.mktemp("operations"), settings=settings)
        found = Ended(service, collector)
        service.settle()
        yield found


class Ended:
    """What a service told while it ran, and what it left behind."""

    def __init__(self, service: Service, collector: Collector) -> None:
        self.home, self.collector = service.home, collector
        key = ApiKeys(service.home / "state").add("prometheus", [Role.OPERATOR], lifetime_s=3600)[1]
        with service.client() as client:
            studies = [client.post("/v1/studies", content=encoded(chest()), headers=TRACED) for _ in range(3)]
            direct = client.post("/v2/models/default/studies", content=encoded(chest()), headers=TRACED)
            client.post("/v1/studies", content=b"none", headers=DICOM)
            odd = client.post("/v1/studies", content=encoded(chest()), headers={**DICOM, "X-Request-ID": "a b"})
            client.post("/v2/models/default/infer", content=b"{}")
            client.get("/v1/models", headers={"Authorization": "Bearer svt_no"})
            operator = {"Authorization": f"Bearer {key}"}
            self.page = settled(client, operator)
            self.cases = client.get("/v1/models", headers=operator)
        form = {"credential": service.token, "next": "/"}
        self.signed_in = httpx.post(f"{service.url}/sign-in", data=form, headers={"Origin": service.url})
        self.answers = [*studies, direct, odd]
        self.records = [answer.json() for answer in self.answers]

    def journal(self, app: str) -> list[dict[str, Any]]:
        file = self.home / "state" / "logs" / f"{app}-0.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    def secrets(self) -> set[str]:
        """What must stand in no metric, trace or line: ids of records and patients, and what the files name."""
        dataset = chest()
        named = {str(dataset.PatientID), str(dataset.PatientName), str(dataset.SOPInstanceUID)}
        return named | {record[key] for record in self.records for key in ("record", "patient", "job")}


def test_an_operator_sees_the_metrics_of_every_process_and_nothing_else(ended: Ended) -> None:
    assert (ended.page.status_code, ended.cases.status_code) == (200, 403)
    lines = set(ended.page.text.splitlines())
    assert 'sievert_requests_total{method="POST",route="/v1/studies",status="200"} 5.0' in lines
    assert 'sievert_requests_total{method="POST",route="/v2/models/default/studies",status="200"} 1.0' in lines
    assert 'sievert_stage_seconds_count{model="default",stage="seal"} 6.0' in lines
    assert 'sievert_quarantined_total{family="format",model="default"} 1.0' in lines
    assert 'sievert_sign_ins_total{outcome="refused"} 1.0' in lines
    assert 'sievert_replicas{model="default"} 1.0' in lines


def test_every_metric_of_the_catalogue_stands_on_a_real_page_as_its_kind(ended: Ended) -> None:
    families = {family.name: family.type for family in text_string_to_metric_families(ended.page.text)}
    wanted = {kind.name: kind.type for kind in catalogue.KINDS if kind.name not in {*NEVER_HERE, LATER}}
    assert {name: families.get(name) for name in wanted} == wanted
    assert set(families) <= {kind.name for kind in catalogue.KINDS}


def test_a_senders_trace_goes_through_haproxy_and_the_front_to_the_seal(ended: Ended) -> None:
    collector = ended.collector
    requests = [span for span in collector.named("request", "front") if span.trace_id.hex() == TRACE]
    assert [span.parent_span_id.hex() for span in requests] == [PARENT] * 3
    for stage in ("admission", "predict", "seal"):
        spans = [span for span in collector.named(stage, "default") if span.trace_id.hex() == TRACE]
        direct = collector.named("request", "default")[0].span_id
        assert {span.parent_span_id for span in spans} == {direct, *(span.span_id for span in requests)}


def test_from_each_request_a_link_leads_to_its_close_and_anchor(ended: Ended) -> None:
    linked = {link.trace_id for span in ended.collector.named("request", "front") for link in span.links}
    for deed in ("close", "anchor"):
        assert {span.trace_id for span in ended.collector.named(deed, "roller")} >= linked
    assert linked


def test_a_line_says_how_a_request_went_and_by_what_id(ended: Ended) -> None:
    lines = [line for line in ended.journal("front") if line["route"] == "/v1/studies"]
    assert [line["request"] for line in lines[:3]] == ["ct-1.17"] * 3
    assert {(line["status"], line["by"], line["model"], line["trace"]) for line in lines[:3]} == {
        (200, "one-time", "default", TRACE)
    }
    assert {"admission", "predict", "seal", "total"} <= set(lines[0]["stage_ms"])
    assert ended.journal("default")[0]["route"] == "/v2/models/default/studies"


def test_each_answer_has_one_request_id_and_a_strange_one_gives_way(ended: Ended) -> None:
    ids = [answer.headers.get_list("x-request-id") for answer in ended.answers]
    assert ids[:4] == [["ct-1.17"]] * 4
    (made,) = ids[4]
    assert made != "a b"
    assert made in {line["request"] for line in ended.journal("front")}


def test_no_identifier_stands_in_metrics_traces_or_lines(ended: Ended) -> None:
    told = ended.page.text.encode() + b"".join(ended.collector.raw)
    told += b"".join(file.read_bytes() for file in logs(ended.home))
    assert [secret for secret in ended.secrets() if secret.encode() in told] == []


def test_sign_ins_and_refusals_stand_in_the_audit_log(ended: Ended) -> None:
    entries = [json.loads(line) for line in AuditLog(ended.home / "keys").lines()]
    told = [(entry["what"], entry["about"]["principal"]) for entry in entries if "principal" in entry["about"]]
    assert ended.signed_in.status_code == 303
    assert [entry for entry in told if entry[0] in ("refused", "signed in")] == [
        ("refused", "unknown"),
        ("signed in", "one-time token"),
    ]


def settled(client: httpx.Client, operator: dict[str, str]) -> httpx.Response:
    """The page, once the replica has looked for drift: it does so each second."""
    for _ in range(60):
        page = client.get("/metrics", headers=operator)
        if catalogue.DRIFT_STUDIES.name in page.text:
            break
        time.sleep(0.5)
    return page


def logs(home: Path) -> list[Path]:
    return list((home / "state" / "logs").glob("*.jsonl"))
