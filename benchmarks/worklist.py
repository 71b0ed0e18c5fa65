"""What the worklist costs at 100,000 cases: taking them into the index, and one page as a browser gets it.

The job is made of sealed records by the functions that a screening uses, then opened, indexed and asked in this process
through the whole application, audit log included. Prints rates, and median and slowest of each kind of page.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient

from pipelines.results.custody.creating import create_key_store
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.outfolder import JobHeader, OutFolder
from pipelines.results.rows import RowSealer
from pipelines.results.shardfile import ShardFooter, seal_counts, write_shard
from serve.access.principal import Principal, Role
from serve.page.casebook import CaseBook
from serve.page.reviews import Reviews
from serve.page.router import page_router
from serve.page.verification import Verifier
from sievert.records import Reason, Refusal, ShardCounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from pipelines.results.keystore import KeyStore

SHARD = 1024
ROUNDS = 15
PAGES = {
    "first page": "/",
    "last page": "/?page={last}",
    "by probability": "/?sort=probability&order=down",
    "by model, middle": "/?sort=model&page={middle}",
    "open and positive": "/?urgency=positive&state=open",
    "one modality": "/?modality=DX",
    "search": "/?text=abc",
    "as JSON": "/v1/cases?size=50",
}


def header_of(planned: int, keys: KeyStore) -> JobHeader:
    """A job of so many inputs."""
    return JobHeader(
        created="2026-01-01T00:00:00+00:00",
        sievert="0",
        planned=planned,
        shard_size=SHARD,
        plan="0" * 64,
        inputs="0" * 32,
        model={"name": "simulated", "version": "1", "digest": "0" * 64},
        recipe="0" * 64,
        decision={"labels": ["no", "yes"], "positive": 1, "threshold": 0.5, "min_confidence": 0.7},
        admit={},
        batch_size=16,
        recipient=keys.fingerprint,
    )


def payload(index: int, record: str, patient: str, chance: random.Random) -> dict[str, Any]:
    """A record, as short as one can be."""
    probability = round(chance.random() ** 3, 6)
    sure = max(probability, 1 - probability) >= 0.7  # noqa: PLR2004 - the job's least confidence
    decision = "uncertain" if not sure else "positive" if probability > 0.5 else "negative"  # noqa: PLR2004 - its threshold
    return {
        "outcome": "screened",
        "index": index,
        "record": record,
        "patient": patient,
        "decision": decision,
        "probability": probability,
        "confidence": max(probability, 1 - probability),
        "modality": chance.choice(["CR", "DX", "CT", "MR"]),
        "body_part": "CHEST",
        "model": {"name": f"simulated-{chance.randrange(5)}", "version": "1"},
    }


def write_job(folder: Path, keys: KeyStore, planned: int) -> None:
    """Seal and commit all shards of a job; one in fifty inputs is quarantined."""
    out, header, chance = OutFolder(folder), header_of(planned, keys), random.Random(7)  # noqa: S311 - no secret
    out.results.mkdir(parents=True)
    out.job.write_bytes(header.encoded())
    for shard in range(header.shards.count):
        write_one(out, header, keys, shard, chance)


def write_one(out: OutFolder, header: JobHeader, keys: KeyStore, shard: int, chance: random.Random) -> None:
    """Seal and commit one shard."""
    sealer, rows, attempt = RowSealer(header.job), [], f"{shard:032x}"
    for index in header.shards.indices(shard):
        record, patient = chance.randbytes(16).hex(), chance.randbytes(16).hex() if index % 2 else f"{shard:032x}"
        refusal = None if index % 50 else Refusal(Reason.FORMAT_EMPTY)
        told = payload(index, record, patient, chance)
        told = {**told, "outcome": "quarantined", "decision": None, "reason": "format.empty"} if refusal else told
        kept: dict[str, Any] = {
            "index": index,
            "record": record,
            "patient": patient,
            "payload": told,
            "identity": {"source": "none"},
        }
        rows.append(sealer.seal_row(**kept, refusal=refusal))
    keys.save_keys(header.job, shard=shard, attempt=attempt, keys=sealer.keys)
    counts = seal_counts(ShardCounts(), identity_key=keys.identity_key, job=header.job)
    footer = ShardFooter(header.job, shard, attempt, keys.fingerprint, counts)
    write_shard(out.shard(shard), rows, footer, draft=out.results / "draft")


def application(book: CaseBook, reviews: Reviews, ledger: EmbeddedLedger) -> FastAPI:
    """The page with somebody signed in."""
    app = FastAPI()

    @app.middleware("http")
    async def sign_in(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        request.state.principal = Principal("bench", frozenset({Role.CLINICIAN}), "session")
        return await answer(request)

    app.include_router(page_router(book, reviews, verifier=Verifier(book, ledger)))
    return app


async def measure(app: FastAPI, cases: int) -> None:
    """Ask for every kind of page and print how long it took."""
    last = -(-cases // 50)
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://bench") as client:
        for name, where in PAGES.items():
            times = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                answer = await client.get(where.format(last=last, middle=last // 2))
                times.append(1000 * (time.perf_counter() - start))
                answer.raise_for_status()
            print(f"{name:20} median {statistics.median(times):7.1f} ms   slowest {max(times):7.1f} ms")


def main() -> None:
    """Make a job, index it, ask for pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        keys = create_key_store(home / "keys")
        write_job(home / "results" / "job", keys, cases)
        reviews = Reviews(home / "state", identity_key=keys.identity_key)
        book = CaseBook(home / "results", keys, reviews)
        start = time.perf_counter()
        book.refresh()
        took = time.perf_counter() - start
        print(f"{cases:,} cases on {os.cpu_count()} cores: indexed in {took:.1f} s, {cases / took:,.0f} a second")
        start = time.perf_counter()
        book.refresh()
        print(f"a refresh that finds nothing new: {1000 * (time.perf_counter() - start):.1f} ms")
        asyncio.run(measure(application(book, reviews, EmbeddedLedger(home / "ledger.sqlite")), cases))


if __name__ == "__main__":
    main()
