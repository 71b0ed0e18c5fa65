"""How long a manifest of 10⁷ rows takes to become a frozen plan, and how much memory; on one core, in this process.

Memory is what the process holds beyond what reading its libraries took (anonymous pages; files that the system keeps
mapped are not counted). The manifest is a Parquet file of paths as hospitals have them, with patient and modality.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.cohort.plan import Plan, cut_shards, write_plan
from pipelines.cohort.sources import find_inputs

ROWS, BATCH = 10_000_000, 500_000
KEY = bytes(32)
MIB = 1 << 20


class Peak(threading.Thread):
    """Looks at the process's anonymous memory every 20 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.done = 0, threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        while not self.done.wait(0.02):
            self.most = max(self.most, anonymous())


def anonymous() -> int:
    """Bytes that no file backs."""
    memory = psutil.Process().memory_info()
    return memory.rss - memory.shared


def write_manifest(file: Path, rows: int) -> None:
    """Paths of 72 characters, four images a patient."""
    schema = pa.schema([("source", pa.string()), ("patient", pa.string()), ("modality", pa.string())])
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, rows, BATCH):
            numbers = np.arange(start, min(start + BATCH, rows))
            sources = [
                f"/archive/2026/{n % 97:02}/study-{n // 4:016}/series-{n % 4}/instance-{n:012}.dcm" for n in numbers
            ]
            patients = [f"P{n // 4:010}" for n in numbers]
            writer.write_table(pa.table([sources, patients, ["DX"] * len(numbers)], schema=schema))


def main() -> None:
    """Measure once; it takes a minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        manifest, plan = Path(folder) / "cohort.parquet", Path(folder) / "plan.parquet"
        write_manifest(manifest, rows)
        before, peak, start = anonymous(), Peak(), time.perf_counter()
        peak.start()
        cohort = find_inputs([str(manifest)])
        found = time.perf_counter()
        shards = cut_shards(len(cohort))
        write_plan(plan, cohort, shards=shards, key=KEY)
        end = time.perf_counter()
        peak.done.set()
        print(
            f"{rows:,} rows found in {found - start:.1f} s, planned into {shards.count:,} shards in {end - found:.1f} s"
        )
        print(f"together {end - start:.1f} s (target 60), {(peak.most - before) / MIB:,.0f} MiB (target 1,024)")
        start = time.perf_counter()
        last = Plan(plan, key=KEY).shard(shards.count - 1)
        passed, size = time.perf_counter() - start, plan.stat().st_size / MIB
        print(f"the last shard ({len(last)} inputs) read in {passed:.2f} s; the plan has {size:,.0f} MiB")


if __name__ == "__main__":
    main()
