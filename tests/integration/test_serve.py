from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import grpc
import numpy as np
import pytest

from models.package import load_package
from pipelines.notify.notice import notice_id
from pipelines.preprocess.steps import apply_recipe
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.opening import open_records
from pipelines.results.outfolder import OutFolder
from pipelines.results.verifying import verify_job
from serve.api.grpc import oip_pb2
from tests.browsing import chromium
from tests.jobs import finish_job, settings_in
from tests.notices import SECRET, Receiver, receiving
from tests.services import Service, free_port, serving, start_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx
    import psutil
    from numpy.typing import NDArray

IMAGES = 100
PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for the whole file: its jobs are closed after a second."""
    settings = {"SIEVERT_SERVE__ROLL_AFTER_S": "1", "SIEVERT_SERVE__GRPC_PORT": str(free_port())}
    yield from serving(tmp_path_factory.mktemp("service"), settings=settings)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, noise = tmp_path_factory.mktemp("drawn"), np.random.default_rng(11)
    for number in range(IMAGES):
        picture = cv2.GaussianBlur(noise.integers(0, 255, (96, 80), dtype=np.uint8), (0, 0), 5) * 2
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def tensors(drawn: list[Path]) -> NDArray[np.float32]:
    recipe = load_package("default").recipe
    return np.stack([apply_recipe(np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED)), recipe) for file in drawn])


def test_batch_and_every_online_interface_give_the_same_probabilities(
    service: Service, drawn: list[Path], tensors: NDArray[np.float32], tmp_path: Path
) -> None:
    job = finish_job([str(file) for file in drawn], tmp_path, settings=settings_in(tmp_path))
    batch = {one["source"]: one["probabilities"]["pneumonia"] for one in open_records(job.out, job.keys)}
    wanted = [batch[str(file)] for file in drawn]
    assert len(wanted) == IMAGES
    with service.client() as client:
        studies = [screened(client.post("/v1/studies", content=file.read_bytes(), headers=PNG)) for file in drawn]
        direct = screened(client.post("/v2/models/default/studies", content=drawn[0].read_bytes(), headers=PNG))
        inferred = infer(client, tensors)
    assert studies == pytest.approx(wanted, abs=1e-5)
    assert direct == pytest.approx(wanted[0], abs=1e-5)
    assert inferred == pytest.approx(wanted, abs=1e-5)
    assert infer_by_grpc(service, tensors) == pytest.approx(wanted, abs=1e-5)


def test_nothing_but_health_and_the_sign_in_page_answers_without_a_token(service: Service) -> None:
    with service.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
        del client.headers["Authorization"]
        named = [path.format(name="default", version="0.2.0", job="a" * 32, record="b" * 32, id="c") for path in paths]
        statuses = {path: client.get(path).status_code for path in [*named, "/-/routes", "/openapi.json", "/metrics"]}
        health = client.get("/health")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    del statuses["/health"]
    assert set(statuses.values()) <= {401, 404}, statuses
    assert statuses["/v1/studies"] == 401


def test_a_clinician_sees_a_study_that_was_just_sent_and_acknowledges_it(service: Service, drawn: list[Path]) -> None:
    with service.client() as client:
        record = client.post("/v1/studies", content=drawn[0].read_bytes(), headers=PNG).json()["record"]
    with chromium() as browser:
        page = browser.new_page()
        page.goto(service.url)
        page.fill("#credential", service.token)
        page.keyboard.press("Enter")
        page.wait_for_selector(".cases")
        page.goto(f"{service.url}/?text={record}")
        for _ in range(40):
            if page.locator(f"text={record[:12]}").count():
                break
            page.wait_for_timeout(500)
            page.reload()
        page.click("a.go")
        page.wait_for_selector("text=Verified on ledger", timeout=30_000)
        page.keyboard.press("a")
        page.wait_for_selector("text=acknowledged")


def test_what_was_answered_is_sealed_anchored_and_told_of_like_a_batch(
    tmp_path: Path, drawn: list[Path], receiver: Receiver
) -> None:
    named = {"SIEVERT_NOTIFY__WEBHOOK__URL": receiver.url, "SIEVERT_NOTIFY__RULES": '[{"urgency": "routine"}]'}
    rolls = {"SIEVERT_SERVE__ROLL_AFTER_RECORDS": "3", "SIEVERT_WEBHOOK_SECRET": SECRET}
    service = start_service(tmp_path, settings={**named, **rolls})
    with service.client() as client:
        answers = [client.post("/v1/studies", content=file.read_bytes(), headers=PNG).json() for file in drawn[:7]]
        refused = client.post("/v1/studies", content=b"no picture", headers=PNG).json()
    assert refused["reason"] == "format.unknown"
    wait_until(lambda: len(stored(receiver)) >= 6, 60)  # two jobs were closed and told of while it answers
    assert not any(SECRET.encode() in environment_of(process) for process in service.processes("ray::"))
    service.settle()
    outs = [OutFolder(job.parent) for job in service.results.glob("online/*/job.json")]
    ledger = EmbeddedLedger(tmp_path / "ledger.sqlite")
    found = [verify_job(out, ledger) for out in outs]
    assert [one.lies for one in found] == [[]] * len(outs)
    assert (sum(one.verified for one in found), sum(one.refused for one in found)) == (7, 1)
    kept = {one["record"] for out in outs for one in open_records(out, KeyStore(tmp_path / "keys"))}
    assert kept == {answer["record"] for answer in answers}
    assert stored(receiver) <= {notice_id(answer["job"], answer["record"]) for answer in answers}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from receiving()


def stored(receiver: Receiver) -> set[str]:
    """The notices that say that a record is stored."""
    return {one.removesuffix("-stored") for one in receiver.ids if one.endswith("-stored")}


def environment_of(process: psutil.Process) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/environ").read_bytes()
    return b""


def wait_until(holds: Callable[[], bool], limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.2)


def screened(answer: httpx.Response) -> float:
    return float(answer.json()["probabilities"]["pneumonia"])


def infer(client: httpx.Client, tensors: NDArray[np.float32]) -> list[float]:
    raw = np.ascontiguousarray(tensors, "<f4").tobytes()
    about = {"name": "image", "shape": list(tensors.shape), "datatype": "FP32"}
    text = json.dumps({"inputs": [{**about, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    output = client.post("/v2/models/default/infer", content=text + raw, headers=headers).json()["outputs"][0]
    return [float(value) for value in np.reshape(output["data"], output["shape"])[:, 1]]


def infer_by_grpc(service: Service, tensors: NDArray[np.float32]) -> list[float]:
    request = oip_pb2.ModelInferRequest(model_name="default")
    request.inputs.add(name="image", datatype="FP32", shape=tensors.shape)
    request.raw_input_contents.append(np.ascontiguousarray(tensors, "<f4").tobytes())
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc_port}") as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=oip_pb2.ModelInferRequest.SerializeToString,
            response_deserializer=oip_pb2.ModelInferResponse.FromString,
        )
        found = call(request, metadata=(("authorization", f"Bearer {service.token}"),), timeout=30)
    output = found.outputs[0]
    raw = found.raw_output_contents
    values = np.frombuffer(raw[0], "<f4") if raw else np.asarray(output.contents.fp32_contents, np.float32)
    return [float(value) for value in values.reshape(output.shape)[:, 1]]
