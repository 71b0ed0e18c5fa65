"""What the OpenAPI document shows: one example of each request and answer. They are of no patient."""

from __future__ import annotations

from typing import Any

from fastapi import Path

from models.predictor import INPUT
from sievert import __version__

HEX_ID = "^[0-9a-f]+$"
JOB, RECORD, PATIENT = "5f3a" * 16, "9b1c" * 8, "c07e" * 8
PENDING = "0123456789abcdef" * 2
MODEL: dict[str, Any] = {
    "name": "default",
    "package": "chest-pneumonia-28",
    "version": "0.2.0",
    "digest": "7c91" * 16,
    "labels": ["normal", "pneumonia"],
    "positive": "pneumonia",
    "threshold": 0.64,
    "min_confidence": 0.82,
    "shape": [1, 28, 28],
    "modalities": ["DX", "CR"],
    "body_parts": ["CHEST", "THORAX"],
    "recipe": "ebc6" * 16,
}
MODEL_METADATA: dict[str, Any] = {
    "name": "default",
    "versions": ["0.2.0"],
    "platform": "onnx_onnxruntime",
    "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, 1, 28, 28]}],
    "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}],
}
INFER: dict[str, Any] = {
    "id": "42",
    "inputs": [{"name": INPUT, "shape": [1, 1, 28, 28], "datatype": "FP32", "data": [0.5] * 784}],
}
INFERRED: dict[str, Any] = {
    "model_name": "default",
    "model_version": "0.2.0",
    "id": "42",
    "outputs": [{"name": "probabilities", "shape": [1, 2], "datatype": "FP32", "data": [0.98, 0.02]}],
}
RECORD_JSON: dict[str, Any] = {
    "schema": "sievert.record/1",
    "sievert": __version__,
    "outcome": "screened",
    "job": JOB,
    "index": 0,
    "record": RECORD,
    "patient": PATIENT,
    "model": {"name": "chest-pneumonia-28", "version": "0.2.0", "digest": "7c91" * 16},
    "modality": "DX",
    "body_part": "CHEST",
    "diagnosis": "pneumonia",
    "decision": "positive",
    "flagged": True,
    "probability": 0.98,
    "confidence": 0.98,
    "probabilities": {"normal": 0.02, "pneumonia": 0.98},
}
REPORT: dict[str, Any] = {
    "resourceType": "DiagnosticReport",
    "status": "preliminary",
    "code": {"text": "Screening by chest-pneumonia-28 0.2.0"},
    "issued": "2026-11-29T10:46:32Z",
}
STUDIES_JOB: dict[str, Any] = {"id": PENDING, "state": "done", "done": 1, "total": 1, "records": [RECORD_JSON]}
STATUS: dict[str, Any] = {
    "status": "ok",
    "models": [{"name": "default", "version": "0.2.0", "status": "RUNNING", "replicas": 1}],
    "open_jobs": 1,
    "unanchored": 0,
    "problem": "",
}
SUMMARY: dict[str, Any] = {
    "job": JOB,
    "record": RECORD,
    "urgency": "positive",
    "probability": 0.98,
    "confidence": 0.98,
    "modality": "DX",
    "body_part": "CHEST",
    "model": "chest-pneumonia-28 0.2.0",
    "time": "2026-11-29T10:46:32",
    "reason": "",
    "patient": PATIENT,
    "state": "open",
    "assignee": "",
}
CASES: dict[str, Any] = {"total": 1, "counts": {"positive": 1}, "cases": [SUMMARY], "warnings": []}
LABELS: list[dict[str, str]] = [{"job": JOB, "record": RECORD, "label": "normal", "reason": "artefact"}]
OPENED: dict[str, Any] = {
    "summary": SUMMARY,
    "version": 1,
    "record": RECORD_JSON,
    "problem": "",
    "layers": [],
    "history": [
        {
            "version": 1,
            "at": "2026-11-29T10:50:00",
            "deed": "acknowledge",
            "who": "ada",
            "reason": "",
            "text": "",
            "label": "",
            "assignee": "",
            "erased": False,
        }
    ],
}
VERIFIED: dict[str, Any] = {"state": "verified", "sentence": "It is what was sealed and anchored.", "details": {}}
REVIEW: dict[str, Any] = {"deed": "acknowledge", "seen": 0, "text": "seen, and called"}
STANDS: dict[str, Any] = {"version": 1, "state": "acknowledged", "assignee": ""}


def shown(example: Any, *, status: int = 200) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - any JSON
    """For `responses` of a route: what a good answer looks like."""
    return {status: {"content": {"application/json": {"example": example}}}}


def hex_id(description: str, example: str) -> Any:  # noqa: ANN401 - FastAPI's marker
    """A part of the path that is one of our ids."""
    return Path(max_length=64, pattern=HEX_ID, description=description, examples=[example])
