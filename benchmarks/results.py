"""What sealing, hashing and proving cost, on one core, against the machine's own AES and the published target.

Sealing is measured as workers do it (`seal`, `RowSealer`), hashing as the results actor folds it, and the proof in a
tree of 10⁸ leaves that is simulated shard by shard in random order. Prints medians.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from typing import TYPE_CHECKING

import psutil
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipelines.results.leaves import leaf_of
from pipelines.results.paths import Piece, inclusion_path, root_of_path
from pipelines.results.sealing import new_data_key, seal, wrap_key
from pipelines.results.tree import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 9
RECORD_BYTES, LARGE_BYTES = 1024, 10_000_000
LEAVES, SHARD = 10**8, 1024
CONTEXT = b"sievert/record/1|" + b"a" * 64 + b"|" + b"b" * 32
MIB = 1 << 20


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median over rounds of the time of one call."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        times.append((time.perf_counter() - start) / repeats)
    return statistics.median(times)


def sealing() -> None:
    """Records and large members."""
    key, record, large = new_data_key(), os.urandom(RECORD_BYTES), os.urandom(LARGE_BYTES)
    rate = 1 / seconds(lambda: seal(record, key=key, context=CONTEXT), 10_000)
    print(f"records of 1 KB sealed a second      {rate:11,.0f}   (target 80,000)")
    raw = seconds(lambda: AESGCM(key).encrypt(bytes(12), large, CONTEXT), 10)
    ours = seconds(lambda: seal(large, key=key, context=CONTEXT), 10)
    print(f"sealing 10 MB, of raw AES-256-GCM    {raw / ours:11.2f}   (target 0.50)")


def wrapping() -> None:
    """Records of which each has its own patient: a fresh data key, one HPKE wrap, one seal."""
    recipient, record = X25519PrivateKey.generate().public_key(), os.urandom(RECORD_BYTES)

    def one() -> None:
        key = new_data_key()
        wrap_key(key, recipient=recipient, context=CONTEXT)
        seal(record, key=key, context=CONTEXT)

    rate = 1 / seconds(one, 1000)
    print(f"records with a patient each a second {rate:11,.0f}   (target 6,000)")


def folding() -> None:
    """Leaves made and folded, as the results actor does."""
    job, salt, digest = os.urandom(32).hex(), os.urandom(32), os.urandom(32)

    def fold() -> None:
        frontier = Frontier()
        for index in range(50_000):
            frontier.append(leaf_of(job=job, index=index, ciphertext=digest, salt=salt))
        frontier.root()

    print(f"leaves made and folded a second      {50_000 / seconds(fold, 1):11,.0f}   (target 600,000)")


def proving() -> None:
    """A tree of 10⁸ leaves: shards come in random order, and of each a root and a digest are kept."""
    before = _resident()
    roots, digests = collect()
    print(f"10^8 leaves collected, MiB           {_resident() - before:11.1f}   (target 50)")
    opened, level = len(roots) // 3, SHARD.bit_length() - 1
    pieces = [Piece(shard * SHARD, level, roots[shard][0]) for shard in range(len(digests))]
    leaves = [Piece(opened * SHARD + place, 0, os.urandom(32)) for place in range(SHARD)]
    pieces[opened : opened + 1] = leaves
    size, leaf = len(roots) * SHARD, leaves[5]
    path = inclusion_path(pieces, index=leaf.start, size=size)
    took = seconds(lambda: root_of_path(leaf.root, path, index=leaf.start, size=size), 100)
    print(f"bytes of a proof's path              {len(path) * 32:11,}   (target 1,500)")
    print(f"verifying it, microseconds           {took * 1e6:11.1f}   (target 1,000)")


def collect() -> tuple[dict[int, list[bytes]], dict[int, bytes]]:
    """What the collector holds of each shard, by the shard's number."""
    roots: dict[int, list[bytes]] = {}
    digests: dict[int, bytes] = {}
    order = list(range(LEAVES // SHARD))
    random.Random(0).shuffle(order)  # noqa: S311 - an order, not a secret
    for shard in order:
        roots[shard] = [os.urandom(32)]
        digests[shard] = os.urandom(32)
    return roots, digests


def _resident() -> float:
    return float(psutil.Process().memory_info().rss) / MIB


if __name__ == "__main__":
    sealing()
    wrapping()
    folding()
    proving()
