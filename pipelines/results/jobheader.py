"""`job.json`: what a job is. Its hash is the job's commitment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipelines.cohort.plan import Shards

if TYPE_CHECKING:
    from collections.abc import Callable

JOB_SCHEMA = "sievert.job/1"
ROLLING_SCHEMA = "sievert.rolling/1"


@dataclass(frozen=True, slots=True)
class JobHeader:
    """`job.json`: what the job is; its SHA-256 is the job's commitment and goes into every leaf.

    Attributes:
        created: UTC, ISO 8601.
        sievert: Version that planned it.
        planned: Number of inputs.
        shard_size: Inputs a shard.
        plan: SHA-256 of plan.parquet.
        inputs: Keyed hash of the inputs as they were named.
        model: Name, version and digest of the package.
        recipe: Digest of the recipe.
        decision: Labels, index of the positive one, threshold and least confidence.
        admit: The compliance policy.
        batch_size: Images a forward pass.
        recipient: Fingerprint of the site's key; there may be further recipients (docs/keys.md).
        schema: Version of the format.
    """

    created: str
    sievert: str
    planned: int
    shard_size: int
    plan: str
    inputs: str
    model: dict[str, str]
    recipe: str
    decision: dict[str, Any]
    admit: dict[str, Any]
    batch_size: int
    recipient: str
    schema: str = JOB_SCHEMA

    def encoded(self) -> bytes:
        """The file's bytes."""
        return canonical_json(asdict(self))

    @property
    def shards(self) -> Shards:
        """How the plan is cut."""
        return Shards(self.planned, self.shard_size)

    @property
    def job(self) -> str:
        """The job's commitment: SHA-256 of the file, 64 hexadecimal digits."""
        return sha256(self.encoded()).hexdigest()


@dataclass(frozen=True, slots=True)
class RollingHeader(JobHeader):
    """The header of a job that takes records as they come: how many stands in `closed.json`, not in the commitment.

    Its `plan` is empty: where each record came from stands in its identity envelope.
    """

    schema: str = ROLLING_SCHEMA

    def encoded(self) -> bytes:
        """The file's bytes, which were written before any record came."""
        return canonical_json({**asdict(self), "planned": 0})


def decode_header(content: bytes, *, closed: Callable[[], int]) -> JobHeader:
    """The header in a `job.json`.

    Args:
        content: The file.
        closed: How many records a rolling job came to; asked for such a job only.

    Raises:
        ValueError: It is no JSON; so do TypeError and KeyError: it is no header.
    """
    fields: dict[str, Any] = json.loads(content)
    if fields["schema"] == ROLLING_SCHEMA:
        return replace(RollingHeader(**fields), planned=closed())
    return JobHeader(**fields)


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - anything that JSON can hold
    """The one way we write JSON files, so that a changed byte always shows."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n").encode()
