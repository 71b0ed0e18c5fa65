"""What URLs name is listed and read; a store that is away is told as such and costs no input its place."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import fsspec
import pytest
from moto.server import ThreadedMotoServer

from pipelines.admit.reading import read_source
from pipelines.cohort.sources import find_inputs
from pipelines.places import remote
from sievert.errors import InputMissingError, StorageError
from sievert.records import Reason, Refusal


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    secrets = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **secrets)
    client.create_bucket(Bucket="images")
    for name in ("in/a 1.dcm", "in/deep/ä.dcm", "other/c.dcm"):
        client.put_object(Bucket="images", Key=name, Body=name.encode())
    yield f"s3://test:test@images/in?scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    server.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAUSE_S", 0.01)


def test_objects_below_a_prefix_are_a_cohort(bucket: str) -> None:
    found = [one.source for one in find_inputs([bucket])]
    assert [read_source(source, max_bytes=100) for source in found] == [b"in/a 1.dcm", "in/deep/ä.dcm".encode()]
    assert [one.source for one in find_inputs([found[0]])] == [found[0]]


def test_an_object_that_is_gone_or_too_large_is_refused(bucket: str) -> None:
    gone = bucket.replace("/in?", "/in/none.dcm?")
    large = bucket.replace("/in?", "/in/a%201.dcm?")
    for source, most, reason in ((gone, 100, Reason.FORMAT_UNREADABLE), (large, 3, Reason.FORMAT_TOO_LARGE)):
        refused = read_source(source, max_bytes=most)
        assert isinstance(refused, Refusal)
        assert refused.reason == reason


def test_a_prefix_without_objects_names_nothing(bucket: str) -> None:
    with pytest.raises(InputMissingError):
        find_inputs([bucket.replace("/in?", "/none?")])


def test_any_fsspec_url_is_a_cohort() -> None:
    files = fsspec.filesystem("memory")
    files.pipe({"/cohort/1.dcm": b"one", "/cohort/deep/2.dcm": b"two", "/else/3.dcm": b"three"})
    found = [one.source for one in find_inputs(["memory://cohort"])]
    assert [read_source(source, max_bytes=100) for source in found] == [b"one", b"two"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.dcm", "nonesuch://x"])
def test_a_store_that_does_not_answer_is_no_fault_of_the_input(url: str) -> None:
    with pytest.raises(StorageError, match="object store") as told:
        read_source(url, max_bytes=100)
    assert "127.0.0.1" not in str(told.value)


def test_a_read_that_fails_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.filesystem("memory").pipe("/again.dcm", b"here")
    plain, failures = fsspec.open, [TimeoutError()]

    def flaky(*arguments: object, **options: object) -> object:
        if failures:
            raise failures.pop()
        return plain(*arguments, **options)

    monkeypatch.setattr(fsspec, "open", flaky)
    assert read_source("memory:///again.dcm", max_bytes=100) == b"here"
