"""State of a training on an object store: moto's server speaks S3 over HTTP on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipelines.flows.training.storage import RunStorage
from tests.integration.labelled import FAST, save_boxes, weights_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import Sievert

pytestmark = pytest.mark.timeout(900)

BUCKET = "checkpoints"


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """A URI of a folder in a bucket that somebody else uses as well."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - moto asks for any
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="runs/of-somebody-else", Body=b"kept")
    # the credentials stand in the URI: Ray's workers of a session that is open already have no new environment
    yield f"s3://test:test@{BUCKET}/runs?scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    server.stop()


def test_files_are_written_listed_read_and_deleted(place: str) -> None:
    storage = RunStorage(place).below("files")
    assert storage.names() == []
    storage.save("a.bin", b"content")
    storage.save("a.bin", b"newer")
    assert storage.names() == ["a.bin"]
    assert storage.load("a.bin") == b"newer"
    storage.drop("a.bin")
    storage.drop("a.bin")
    assert storage.names() == []
    storage.remove()
    assert RunStorage(place).names() == ["of-somebody-else"]


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_session")
def test_training_keeps_its_state_in_the_bucket_and_ends_in_the_same_weights(
    sievert: Sievert, place: str, tmp_path: Path
) -> None:
    data = save_boxes(tmp_path / "boxes.npz")
    told = []
    for out, flags in (("near", ()), ("far", ("--storage", place))):
        done = sievert("train", data, "--out", tmp_path / out, *FAST, *flags)
        assert done.code == 0, done.err
        told.append(done.json["test"])
    assert told[0] == told[1]
    assert weights_in(tmp_path / "near") == weights_in(tmp_path / "far")
    assert RunStorage(place).names() == ["of-somebody-else"]


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_session")
def test_bucket_that_is_not_there_is_told_in_a_line(sievert: Sievert, place: str, tmp_path: Path) -> None:
    data, nowhere = save_boxes(tmp_path / "boxes.npz"), place.replace(BUCKET, "nowhere")
    answer = sievert("train", data, "--out", tmp_path / "model", *FAST, "--storage", nowhere)
    assert answer.code == 40
    assert "Check --storage" in " ".join(answer.err.split())
    assert "test:test" not in answer.err
