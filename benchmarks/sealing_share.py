"""What an anchor costs in gas, and which share of a worker's time goes into sealing and storing.

A worker screens 1,024 of the shared chest X-rays (repeated) with the package `default`, as Ray would have it do, in
this process; what it spends in sealing rows, wrapping and saving keys and writing the shard's file is timed apart.
Prints the median over rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from cohorts import link_cohort
from eth.db.atomic import AtomicDB

from models.package import load_package
from pipelines.flows.planning import find_cohort, plan_job
from pipelines.flows.screen import make_task
from pipelines.flows.shard import ShardScreener
from pipelines.results.custody.creating import create_key_store
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger.registrar import Registrar, found_registry
from pipelines.results.outfolder import OutFolder, locked_out_folder
from pipelines.results.rows import RowSealer
from pipelines.results.shardfile import write_shard
from sievert.settings import CohortSettings, Settings, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGES, SHARD, ROUNDS, ANCHORS = 1024, 256, 3, 8
GAS_TARGET, SHARE_TARGET = 50_500, 0.05


class Timed:
    """Adds up the seconds spent in functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


@contextmanager
def watched() -> Iterator[Timed]:
    """Sealing, saving of keys and writing of shards, timed."""
    timed = Timed()
    with (
        patch.object(RowSealer, "seal_row", timed(RowSealer.seal_row)),
        patch.object(KeyStore, "save_keys", timed(KeyStore.save_keys)),
        patch("pipelines.flows.shard.write_shard", timed(write_shard)),
    ):
        yield timed


def share(home: Path, number: int) -> float:
    """Of one run's time."""
    place = home / str(number)
    settings = Settings(
        store=StoreSettings(keys=place / "keys", ledger=place / "ledger.sqlite"),
        cohort=CohortSettings(shard_size=SHARD),
    )
    with watched() as timed, locked_out_folder(place / "out") as out:
        screener, shards = prepare(out, home / "in", settings)
        start = time.perf_counter()
        for one in range(shards):
            screener.screen(one)
        return timed.seconds / (time.perf_counter() - start)


def prepare(out: OutFolder, cohort: Path, settings: Settings) -> tuple[ShardScreener, int]:
    """A worker of a planned job, and how many shards it has; warm, since a network's first pass is slow."""
    package, inputs = load_package("default"), [str(cohort)]
    keys = create_key_store(settings.store.keys)
    found = find_cohort(inputs, out)
    job = plan_job(out, inputs, found=found, package=package, keys=keys, settings=settings)
    screener = ShardScreener(make_task(out, job, package=package, keys=keys, settings=settings))
    screener._casework.run(np.zeros((1, 1, *package.metadata.shape), np.float32))  # noqa: SLF001 - to warm it
    return screener, job.shards.count


def gas() -> int:
    """Of the dearest of some anchors on a new chain, the contract's own making aside."""
    store = AtomicDB()
    found_registry(store, now=0)
    registrar = Registrar(store)
    used = []
    for number in range(ANCHORS):
        word = bytes([255 - number]) * 32
        anchor = registrar.bind(word, root=word, count=2**40 - 1, now=number + 1)
        hashed = bytes.fromhex(anchor.transaction.removeprefix("0x"))
        used.append(int(registrar._chain._chain.get_transaction_receipt(hashed).gas_used))  # noqa: SLF001 - no other needs it
    return max(used)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        print(f"gas of an anchor                     {gas():11,}   (target {GAS_TARGET:,})")
        link_cohort(home / "in", IMAGES)
        shares = [share(home, number) for number in range(ROUNDS)]
        print(f"sealing and storing, of a worker's time {statistics.median(shares):8.3f}   (target {SHARE_TARGET})")


if __name__ == "__main__":
    main()
