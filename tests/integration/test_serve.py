from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.package import load_package
from pipelines.preprocess.steps import apply_recipe
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.opening import open_records
from pipelines.results.outfolder import OutFolder
from pipelines.results.verifying import verify_job
from tests.jobs import finish_job, settings_in
from tests.services import Service, serving, start_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGES = 100


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from serving(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, noise = tmp_path_factory.mktemp("drawn"), np.random.default_rng(11)
    for number in range(IMAGES):
        picture = cv2.GaussianBlur(noise.integers(0, 255, (96, 80), dtype=np.uint8), (0, 0), 5) * 2
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture)
    return sorted(folder.iterdir())


def test_batch_and_every_online_interface_give_the_same_probabilities(
    service: Service, drawn: list[Path], tmp_path: Path
) -> None:
    job = finish_job([str(file) for file in drawn], tmp_path, settings=settings_in(tmp_path))
    batch = {one["source"]: one["probabilities"]["pneumonia"] for one in open_records(job.out, job.keys)}
    assert len(batch) == IMAGES
    recipe = load_package("default").recipe
    tensors = np.stack([apply_recipe(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), recipe) for file in drawn])
    with service.client() as client:
        studies = [_screened(client.post("/v1/studies", content=file.read_bytes(), headers=PNG)) for file in drawn]
        direct = _screened(client.post("/v2/models/default/studies", content=drawn[0].read_bytes(), headers=PNG))
        inferred = _inferred(client.post("/v2/models/default/infer", **_binary(tensors)))
    wanted = [batch[str(file)] for file in drawn]
    assert studies == pytest.approx(wanted, abs=1e-5)
    assert direct == pytest.approx(wanted[0], abs=1e-5)
    assert inferred == pytest.approx(wanted, abs=1e-5)


def test_what_was_answered_is_sealed_and_anchored_like_a_batch(tmp_path: Path, drawn: list[Path]) -> None:
    service = start_service(tmp_path, settings={"SIEVERT_SERVE__ROLL_AFTER_RECORDS": "3"})
    with service.client() as client:
        answers = [client.post("/v1/studies", content=file.read_bytes(), headers=PNG).json() for file in drawn[:7]]
        refused = client.post("/v1/studies", content=b"no picture", headers=PNG).json()
    assert refused["reason"] == "format.unknown"
    assert service.stop() == 0
    settings = settings_in(tmp_path)
    outs = [OutFolder(job.parent) for job in service.results.glob("online/*/job.json")]
    found = [verify_job(out, EmbeddedLedger(settings.store.ledger)) for out in outs]
    assert [one.lies for one in found] == [[]] * len(outs)
    assert (sum(one.verified for one in found), sum(one.refused for one in found)) == (7, 1)
    assert {one["record"] for answer in [answers] for one in answer}


PNG = {"Content-Type": "image/png"}


def _screened(answer: object) -> float:
    record = answer.json()  # type: ignore[attr-defined]
    return float(record["probabilities"]["pneumonia"])


def _binary(tensors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> dict[str, object]:
    raw = np.ascontiguousarray(tensors, "<f4").tobytes()
    about = {"name": "image", "shape": list(tensors.shape), "datatype": "FP32"}
    text = json.dumps({"inputs": [{**about, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    return {"content": text + raw, "headers": {"Inference-Header-Content-Length": str(len(text))}}


def _inferred(answer: object) -> list[float]:
    output = answer.json()["outputs"][0]  # type: ignore[attr-defined]
    return [float(value) for value in np.reshape(output["data"], output["shape"])[:, 1]]
