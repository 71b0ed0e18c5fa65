"""Processes of a service are killed under load: what was answered with success is sealed, and nothing else is told."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import psutil
import pytest

from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.opening import open_records
from pipelines.results.outfolder import OutFolder
from pipelines.results.rolling.spool import find_spools
from pipelines.results.verifying import verify_job
from tests.loading import Answers, Load
from tests.services import Service, serving, start_service

TARGETS = (("ServeReplica:default",), ("ServeReplica:front",), ("online.sidecar",), ("haproxy", "-db"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    yield from serving(tmp_path, settings={"SIEVERT_SERVE__ROLL_AFTER_S": "2", "SIEVERT_SERVE__TIMEOUT_S": "5"})


def kill(service: Service, *names: str) -> None:
    """SIGKILL to one of the service's own; it may just be starting anew."""
    found: list[psutil.Process] = []
    end = time.monotonic() + 30
    while not found and time.monotonic() < end:
        found = service.processes(*names)
        time.sleep(0.05)
    found[-1].kill()


def loaded(service: Service, kills: Sequence[tuple[str, ...]], *, pause_s: float) -> Answers:
    """What a load is answered while something is killed after each pause."""

    async def run() -> Answers:
        load = Load(service)
        running = asyncio.create_task(load.run())
        for names in kills:
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(kill, service, *names)
        await _until_it_answers_again(load)
        load.stop()
        await running
        return load.answers

    return asyncio.run(run())


async def _until_it_answers_again(load: Load) -> None:
    told = len(load.answers.records)
    for _ in range(600):
        await asyncio.sleep(0.1)
        if len(load.answers.records) >= told + 40:
            return
    pytest.fail("it does not come back")


def check(answers: Answers, home: Path) -> None:
    """Every answer was one of three, and every record that was told opens, as it was told, from what verifies."""
    assert {(status, retry is not None) for status, retry, _ in answers.others} <= {(503, True), (429, True)}, {
        one for one in answers.others if one[0] not in (503, 429)
    }
    keys, ledger = KeyStore(home / "keys"), EmbeddedLedger(home / "ledger.sqlite")
    assert find_spools(keys.folder) == []
    outs = [OutFolder(job.parent) for job in (home / "results").glob("online/*/job.json")]
    assert [lie for out in outs for lie in verify_job(out, ledger).lies] == []
    sealed = {(one["job"], one["index"]): one for out in outs for one in open_records(out, keys)}
    assert answers.records
    for record in answers.records:
        kept = sealed[record["job"], record["index"]]
        assert (kept["record"], kept["probabilities"]) == (record["record"], record["probabilities"])


def test_a_replica_and_the_front_killed_under_load_lose_nothing_that_was_answered(service: Service) -> None:
    answers = loaded(service, TARGETS[:2], pause_s=4)
    assert answers.ended
    service.settle()
    check(answers, service.home)


def settled(client: httpx.Client, headers: dict[str, str]) -> int:
    """A status, once the service that has just started is not too busy to say another."""
    end = time.monotonic() + 60
    while (status := client.get("/v1/models", headers=headers).status_code) == 503 and time.monotonic() < end:  # noqa: PLR2004, RUF100
        time.sleep(0.2)
    return status


def test_what_a_killed_service_answered_is_sealed_and_anchored_by_the_next_one(tmp_path: Path) -> None:
    service = start_service(tmp_path)

    async def run() -> Answers:
        load = Load(service)
        running = asyncio.create_task(load.run())
        await asyncio.sleep(3)
        for process in [*service.processes(), psutil.Process(service.process.pid)]:
            process.kill()
        load.stop()
        await running
        return load.answers

    answers = asyncio.run(run())
    service.process.wait()
    assert find_spools(tmp_path / "keys")
    after = start_service(tmp_path)
    assert after.token != service.token
    with after.client() as client:
        assert settled(client, after.headers) == 200
        assert settled(client, service.headers) == 401
    after.settle()
    check(answers, tmp_path)


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_kills_at_random_moments_lose_nothing_that_was_answered(service: Service, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    answers = loaded(service, chance.choices(TARGETS, k=12), pause_s=chance.uniform(1, 6))
    service.settle()
    check(answers, service.home)
