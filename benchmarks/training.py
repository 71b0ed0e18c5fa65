"""What Ray Train costs over the same loop without it, what a second worker brings, and whether input ever waits.

All on one set of drawn thumbnails (`--images`), the default hybrid at 28 px, one thread a worker; times are those of
the epochs from the second on, taken in turn. It also prints how busy the core was, what share of an epoch went into
augmentation, and peak memory.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Self

import numpy as np
import psutil

from cluster.session import open_session
from models.networks.spec import NetworkSpec
from models.training.loop import Training
from models.training.settings import LabelledSet, TrainingSettings
from models.training.source import ResidentSource
from models.training.workers import Workers, pick_device
from pipelines.flows.training import board
from pipelines.flows.training.board import Follower
from pipelines.flows.training.run import Crew, RayTraining
from sievert.settings import ClusterSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = NetworkSpec(arch="hybrid", shape=(28, 28))
OVERHEAD_TARGET, SCALING_TARGET, BUSY_TARGET = 0.05, 1.7, 0.90
MIB = 1 << 20


def draw_set(images: int, seed: int) -> LabelledSet:
    """Noise with a bright square where the label is 1."""
    draw = np.random.default_rng(seed)
    labels = np.arange(images, dtype=np.int64) % 2
    pictures = draw.integers(60, 120, (images, 1, 28, 28), dtype=np.uint8)
    pictures[labels == 1, :, 8:20, 8:20] += 60
    return LabelledSet(pictures, labels)


def plain(train: LabelledSet, validation: LabelledSet, settings: TrainingSettings) -> tuple[float, float]:
    """Seconds an epoch without Ray, from the second on, and CPU seconds a second meanwhile."""
    training = Training(train, validation, SPEC, settings)
    training.run_epoch()
    wall, busy = time.perf_counter(), time.process_time()
    while not training.finished:
        training.run_epoch()
    seconds = time.perf_counter() - wall
    return seconds / (settings.epochs - 1), (time.process_time() - busy) / seconds


def on_ray(train: LabelledSet, validation: LabelledSet, settings: TrainingSettings, workers: int) -> float:
    """Seconds an epoch on Ray Train, from the second on, checkpoints included."""
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        crew = Crew(workers, workers, folder)
        follower = Follower(lambda _: ends.append(time.perf_counter()), lambda _: None)
        RayTraining(crew, follower).fit(train, validation, SPEC, settings, digest="benchmark")
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def input_share(train: LabelledSet, settings: TrainingSettings, epoch_s: float) -> float:
    """Share of an epoch that drawing and augmenting its batches takes."""
    import torch

    source = ResidentSource(train, settings, classes=2, workers=Workers(), device=pick_device())
    start = time.perf_counter()
    for _ in source.batches(1, torch.Generator().manual_seed(0)):
        pass
    return (time.perf_counter() - start) / epoch_s


class Peak:
    """Largest resident memory of training workers, sampled while it is open."""

    def __init__(self) -> None:
        self.mib, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self.mib = max([self.mib, *_worker_sizes()])


def _worker_sizes() -> Iterator[float]:
    for process in psutil.process_iter():
        try:
            if "RayTrainWorker" in " ".join(process.cmdline()):
                yield process.memory_info().rss / MIB
        except psutil.Error:
            continue


def main() -> None:
    """Measure in turn and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    board.POLL_S = 0.02  # epochs are timed by when the driver hears of them
    settings = TrainingSettings(epochs=chosen.epochs, threads=1, batch_size=64, keep="last")
    train, validation = draw_set(chosen.images, 1), draw_set(256, 2)
    alone, busy, one, two = [], [], [], []
    with open_session(ClusterSettings()), Peak() as peak:
        for _ in range(chosen.rounds):
            seconds, share = plain(train, validation, settings)
            alone.append(seconds)
            busy.append(share)
            one.append(on_ray(train, validation, settings, 1))
            two.append(on_ray(train, validation, settings, 2))
    report(alone, busy, one, two, input_share(train, settings, statistics.median(alone)), peak.mib)


def report(alone: list[float], busy: list[float], one: list[float], two: list[float], share: float, mib: float) -> None:
    """Print medians, ratios and targets."""
    print("seconds an epoch from the second on, median (smallest to largest)")
    for name, times in (("plain loop", alone), ("Ray Train, 1 worker", one), ("Ray Train, 2 workers", two)):
        print(f"{name:<24} {statistics.median(times):7.2f}   ({min(times):.2f} to {max(times):.2f})")
    overhead = statistics.median(b / a - 1 for a, b in zip(alone, one, strict=True))
    scaling = statistics.median(a / b for a, b in zip(one, two, strict=True))
    print(f"overhead of Ray Train: {overhead:+.1%} (target under {OVERHEAD_TARGET:.0%})")
    print(f"two workers against one: {scaling:.2f} times (target {SCALING_TARGET})")
    print(f"core busy: {statistics.median(busy):.1%} of an epoch (target over {BUSY_TARGET:.0%})")
    print(f"augmentation: {share:.1%} of an epoch")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    print(f"peak memory: plain loop {own:.0f} MiB, a Ray Train worker {mib:.0f} MiB")


if __name__ == "__main__":
    main()
