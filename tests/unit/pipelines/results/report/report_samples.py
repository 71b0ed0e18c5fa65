"""Manifests, an anchor and cases for the report's tests, made by the functions that make real ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.results.anchoring import encode_anchor
from pipelines.results.audit import AuditHead
from pipelines.results.ledger.anchor import Anchor
from pipelines.results.outfolder import JobHeader, canonical_json
from pipelines.results.report import Case
from pipelines.results.runmanifest import RunFacts, describe_run
from sievert.records import ShardCounts
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECORD, PATIENT = "0123456789abcdef" * 2, "fedcba9876543210" * 2

ANCHOR: dict[str, Any] = json.loads(
    encode_anchor(
        Anchor(
            job=b"\1" * 32,
            root=b"\x5d" * 32,
            count=37,
            chain_id=20_261,
            contract="0x5FbDB2315678afecb367f032d93F642f64180aa3",
            code_hash="0x" + "c0" * 32,
            block=12,
            time=1_795_449_280,
            transaction="0x" + "9c" * 32,
            sender="0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            kind="embedded",
        )
    )
)

SCREENED_37 = ShardCounts(
    planned=37,
    screened=26,
    flagged=9,
    quarantined=11,
    reasons={"format.truncated": 1, "format.unknown": 3, "compliance.burned-in-annotation": 2, "scope.body-part": 5},
    histogram=[9, 3, 1, 2, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 4],
    decisions={"negative": 17, "positive": 6, "uncertain": 3},
    stage_s={"read": 0.04, "admit": 0.97, "predict": 0.23, "polish": 0.01},
)

REFUSED_7 = ShardCounts(planned=7, quarantined=7, reasons={"format.unknown": 7}, stage_s={"admit": 0.1})


def sample_manifest(
    counts: ShardCounts = SCREENED_37, *, model: str = "chest-28", images: int = 37, wall_s: float = 1.7
) -> dict[str, Any]:
    """The manifest of a run with these counts, as it is read back from its file."""
    header = JobHeader(
        created="2026-11-23T13:02:11+00:00",
        sievert="0.1.0",
        planned=counts.planned,
        shard_size=16,
        plan="7c" * 32,
        inputs="ab" * 16,
        model={"name": model, "version": "0.3.0", "digest": "4e" * 32},
        recipe="91" * 32,
        decision={"labels": ["normal", "pneumonia"], "positive": 1, "threshold": 0.77, "min_confidence": 0.79},
        admit=AdmitSettings().model_dump(),
        batch_size=16,
        recipient="c2e1f07a93bd5564",
    )
    facts = RunFacts("2026-11-23T13:02:40+00:00", wall_s, images, resumed_shards=1, workers=2)
    read_back: dict[str, Any] = json.loads(
        canonical_json(describe_run(header, counts, facts, records={0: b"ids"}, audit=AuditHead()))
    )
    return read_back


def sample_case(
    *, image: NDArray[np.uint8] | None = None, heat: NDArray[np.float32] | None = None, reason: str = "Asked for."
) -> Case:
    """A positive case."""
    return Case(RECORD, PATIENT, "positive", "pneumonia", 0.9731, 0.9731, "pneumonia", reason, image, heat)


def sample_image(rows: int = 90, columns: int = 120) -> NDArray[np.uint8]:
    """A smooth ramp with every grey in it."""
    ramp = np.add.outer(np.linspace(0, 100, rows), np.linspace(0, 155, columns))
    return np.asarray(ramp, dtype=np.uint8)


def sample_heat(row: int, column: int, *, side: int = 7) -> NDArray[np.float32]:
    """A map with one hot cell, all others at 0."""
    heat = np.zeros((side, side), np.float32)
    heat[row, column] = 1
    return heat
