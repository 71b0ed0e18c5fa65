"""An S3 server on this machine: moto's, which speaks it over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "results"


@dataclass(frozen=True)
class Store:
    """A running server with one bucket.

    Attributes:
        environment: By which the AWS tools find it.
        client: Of boto3.
    """

    environment: dict[str, str]
    client: Any

    def names(self, prefix: str) -> set[str]:
        """Objects below a prefix, relative to it."""
        told = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")
        return {one["Key"].removeprefix(f"{prefix}/") for one in told.get("Contents", ())}


def run_store() -> Iterator[Store]:
    """Start it, make the bucket, and stop it."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"], **access)
    client.create_bucket(Bucket=BUCKET)
    yield Store(environment, client)
    server.stop()
