"""What the online service adds to a bare network, beside FastAPI with uvicorn and LitServe; scaling under load; soak.

One network of the zoo at 224 px with drawn weights, one radiograph as PNG, client and servers on the same cores, in
turn in one run. Ours authenticates, admits in a process of its own, decides, explains, seals and spools each study
before it is answered; the others decode, preprocess and predict. Tensors (Open Inference Protocol, raw bytes) are
neither admitted nor sealed: what they cost beside uvicorn is what the way there costs. `--soak 1800` adds half an hour
of load and what memory does meanwhile.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import psutil
from cohorts import ROOT
from drawn import drawn_package
from load import Load, Target, free_port, load
from servingpeers import Bare

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE, BUSY, WARM_S, ALONE_S, BUSY_S = 224, 8, 2.0, 4.0, 6.0
UVICORN, LITSERVE, ONE, TWO = "FastAPI + uvicorn", "LitServe", "sievert serve, 1 replica", "sievert serve, 2 replicas"
UVICORN_TENSOR, TENSOR = "uvicorn, tensor", "sievert serve, tensor"
PEERS = (
    (UVICORN, "servingpeers.py", "application/octet-stream"),
    (LITSERVE, "servinglitserve.py", "application/json"),
)
ADDED_P50_MS, ADDED_P99_MS, OF_UVICORN, OF_PEER = 5.0, 20.0, 0.70, 0.70


@dataclass
class Row:
    """What one server came to, over the rounds."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    failed: int = 0

    def add(self, alone: Load, busy: Load) -> None:
        """One round."""
        self.p50.append(alone.p50_ms)
        self.p99.append(alone.p99_ms)
        self.rate.append(busy.a_second)
        self.failed += sum(count for one in (alone, busy) for status, count in one.statuses.items() if status != 200)  # noqa: PLR2004


def radiograph() -> bytes:
    """A smooth picture as PNG."""
    noise = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    return cv2.imencode(".png", cv2.GaussianBlur(noise, (0, 0), 5) * 2)[1].tobytes()


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """Of a server: one thread a call, keys and ledger of the benchmark's own."""
    named = {f"SIEVERT_SERVE__{name.upper()}": str(value) for name, value in settings.items()}
    paths = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
    return {**os.environ, "XDG_DATA_HOME": str(folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **named}


def listens(port: int) -> bool:
    """Whether somebody does."""
    import socket

    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def peer(script: str, package: Path, folder: Path) -> Iterator[int]:
    """One of the peers; it is there once its port answers."""
    port = free_port()
    command = [sys.executable, str(ROOT / "benchmarks" / script), str(package), str(port)]
    process = subprocess.Popen(command, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            time.sleep(0.5)
            if listens(port):
                break
        time.sleep(2)
        yield port
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            one.kill()
        process.wait()


@contextmanager
def service(package: Path, folder: Path, **settings: object) -> Iterator[tuple[str, int, int]]:
    """Ours: its token, its port and its process."""
    port = free_port()
    command = [sys.executable, "-m", "sievert", "serve", str(package), "--port", str(port), "--json"]
    process = subprocess.Popen(
        [*command, "--results", str(folder / "results")],
        env=environment(folder, requests_a_minute=10_000_000, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        told: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        yield told["token"], port, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def study(token: str, port: int, name: str) -> Target:
    """A study of ours, straight to the network's replica."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/png"}
    return Target("127.0.0.1", port, f"/v2/models/{name}/studies", headers, radiograph())


def tensor(token: str, port: int, name: str) -> Target:
    """The network's own input, as the protocol's binary extension sends it."""
    raw = np.random.default_rng(0).standard_normal((1, 1, SIDE, SIDE), dtype=np.float32).tobytes()
    about = {"name": "image", "shape": [1, 1, SIDE, SIDE], "datatype": "FP32"}
    told = json.dumps({"inputs": [{**about, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(told)),
    }
    return Target("127.0.0.1", port, f"/v2/models/{name}/infer", headers, told + raw)


def measure(target: Target) -> tuple[Load, Load]:
    """Alone, and busy."""
    load(target, connections=1, seconds=WARM_S)
    return load(target, connections=1, seconds=ALONE_S), load(target, connections=BUSY, seconds=BUSY_S)


def bare_ms(package: Path, *, threads: int = 1) -> float:
    """The network alone: the median of fifty."""
    bare = Bare(str(package), threads=threads)
    image = np.random.default_rng(0).standard_normal((1, 1, SIDE, SIDE), dtype=np.float32)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        bare.run(image)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def compare(package: Path, folder: Path, rounds: int) -> tuple[list[float], list[float], dict[str, Row]]:
    """All in turn, each of them alone on the machine; the bare network with one thread, and with two."""
    bare, both = list[float](), list[float]()
    rows = {name: Row() for name in (UVICORN, LITSERVE, ONE, TWO, UVICORN_TENSOR, TENSOR)}
    peers = PEERS if find_spec("litserve") else PEERS[:1]
    picture = radiograph()
    raw = np.zeros((1, 1, SIDE, SIDE), np.float32).tobytes()
    told = json.dumps({"image": base64.b64encode(picture).decode()}).encode()
    for number in range(rounds):
        bare.append(bare_ms(package))
        both.append(bare_ms(package, threads=2))
        for name, script, kind in peers:
            body = picture if name == UVICORN else told
            with peer(script, package, folder) as port:
                rows[name].add(*measure(Target("127.0.0.1", port, "/predict", {"Content-Type": kind}, body)))
                if name == UVICORN:
                    rows[UVICORN_TENSOR].add(*measure(Target("127.0.0.1", port, "/infer", {"Content-Type": kind}, raw)))
        for name, replicas in ((ONE, 1), (TWO, 2)):
            home = folder / f"{number}-{replicas}"
            with service(package, home, min_replicas=replicas, max_replicas=replicas) as (token, port, _):
                rows[name].add(*measure(study(token, port, package.name)))
                if replicas == 1:
                    rows[TENSOR].add(*measure(tensor(token, port, package.name)))
    return bare, both, rows


def report(bare: list[float], both: list[float], rows: dict[str, Row]) -> None:
    """The table, and how far from the targets."""
    base = statistics.median(bare)
    print(f"{'':<26} {'p50 ms':>8} {'p99 ms':>8} {'a second':>9} {'failed':>7}")
    print(f"{'bare network, 1 thread':<26} {base:8.1f}")
    print(f"{'bare network, 2 threads':<26} {statistics.median(both):8.1f}")
    for name, row in rows.items():
        if not row.p50:
            print(f"{name:<26} not installed")
            continue
        numbers = [statistics.median(values) for values in (row.p50, row.p99, row.rate)]
        print(f"{name:<26} {numbers[0]:8.1f} {numbers[1]:8.1f} {numbers[2]:9.0f} {row.failed:7}")
    for name in (ONE, TWO, TENSOR):
        pairs = zip(bare, rows[name].p50, rows[name].p99, strict=True)
        added = [(p50 - alone, p99 - alone) for alone, p50, p99 in pairs]
        p50, p99 = (statistics.median(one) for one in zip(*added, strict=True))
        print(
            f"{name}: added p50 {p50:.1f} ms (target {ADDED_P50_MS:.0f}), p99 {p99:.1f} ms (target {ADDED_P99_MS:.0f})"
        )
    for mine, theirs, target in (
        (ONE, UVICORN, OF_UVICORN),
        (TWO, UVICORN, OF_UVICORN),
        (TENSOR, UVICORN_TENSOR, OF_UVICORN),
        (ONE, LITSERVE, OF_PEER),
    ):
        if ratios := [one / two for one, two in zip(rows[mine].rate, rows[theirs].rate, strict=False)]:
            print(f"throughput of {mine}, of {theirs}'s: {statistics.median(ratios):.2f} (target {target:.2f})")


def scale(package: Path, folder: Path) -> None:
    """From one replica to two while requests come."""
    with service(package, folder, min_replicas=1, max_replicas=2, target_ongoing=2) as (token, port, pid):
        before = replicas(pid)
        found = load(study(token, port, package.name), connections=BUSY, seconds=40)
        print(f"scaling under load: {before} -> {replicas(pid)} replicas, answers {found.statuses}")


def replicas(pid: int) -> int:
    """Processes of the model that run below the service's."""
    return sum("ServeReplica:" in " ".join(one.cmdline()) for one in psutil.Process(pid).children(recursive=True)) - 1


def soak(package: Path, folder: Path, seconds: float) -> None:
    """Load for a long time, and what memory does."""
    with service(package, folder, min_replicas=1, max_replicas=1, roll_after_records=1024) as (token, port, pid):
        target = study(token, port, package.name)
        load(target, connections=4, seconds=min(120.0, seconds / 5))
        first = memory(pid)
        found = load(target, connections=4, seconds=seconds)
        last = memory(pid)
    grown = sum(last.values()) / sum(first.values()) - 1
    print(f"soak of {seconds:.0f} s: {len(found.seconds)} studies, answers {found.statuses}; {grown:+.1%} (target 5 %)")
    for role in sorted(last, key=lambda role: first[role] - last[role]):
        print(f"  {role:<40} {first[role]:6.0f} -> {last[role]:.0f} MiB")


def memory(pid: int) -> dict[str, float]:
    """Anonymous memory of the service and all its processes, MiB, by what they do."""
    found: dict[str, float] = defaultdict(float)
    for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        command = " ".join(one.cmdline())
        role = (
            command.split("::")[1].split()[0] if "::" in command else "admission" if "sidecar" in command else "other"
        )
        found[role] += round(one.memory_full_info().uss / (1 << 20), 1)
    return found


def main() -> None:
    """Measure in turn and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="efficientnet-b0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=float, default=0, help="seconds")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        package = folder / "packages" / chosen.arch
        drawn_package(package, arch=chosen.arch, side=SIDE)
        report(*compare(package, folder, chosen.rounds))
        scale(package, folder / "scaling")
        if chosen.soak:
            soak(package, folder / "soak", chosen.soak)


if __name__ == "__main__":
    main()
