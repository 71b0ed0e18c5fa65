"""How long one image takes through the networks of the zoo at 224 px, on one core, with ONNX Runtime and with torch.

Networks take turns; weights are drawn, since they cost no time. `--size 28` measures thumbnails.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.predictor import INPUT
from models.training.export import export_onnx

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("hybrid", "efficientnet-b0", "resnet18", "resnet50", "densenet121", "vit")
TARGET_MS, TARGET_MB, TARGET_RATIO = 8.0, 8.0, 0.5


def prepare(name: str, side: int) -> tuple[dict[str, Callable[[], object]], float]:
    """A run of one image for each backend, and the ONNX file's size in MB."""
    network = build_network(NetworkSpec(arch=name, shape=(side, side))).eval()
    content = export_onnx(network, channels=1, shape=(side, side))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).standard_normal((1, 1, side, side), dtype=np.float32)
    tensor = torch.from_numpy(image)
    runs: dict[str, Callable[[], object]] = {
        "ONNX Runtime": lambda: session.run(None, {INPUT: image}),
        "torch": lambda: network(tensor),
    }
    return runs, len(content) / 1e6


def time_ms(run: Callable[[], object]) -> float:
    """One run."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    """Measure in turn and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=40)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    prepared = {name: prepare(name, chosen.size) for name in NAMES}
    runs = {(name, backend): run for name, (both, _) in prepared.items() for backend, run in both.items()}
    with torch.inference_mode():
        for run in runs.values():
            for _ in range(3):
                run()
        times = [[time_ms(run) for run in runs.values()] for _ in range(chosen.rounds)]
    medians = dict(zip(runs, (statistics.median(column) for column in zip(*times, strict=True)), strict=True))
    print(f"one image of {chosen.size} x {chosen.size}, one core, median of {chosen.rounds} turns, ms")
    print(f"{'':<18}{'ONNX Runtime':>14}{'torch':>10}{'MB':>9}")
    for name, (_, size) in prepared.items():
        print(f"{name:<18}{medians[name, 'ONNX Runtime']:>14.2f}{medians[name, 'torch']:>10.2f}{size:>9.2f}")
    best = min(medians["hybrid", backend] for backend in ("ONNX Runtime", "torch"))
    rival = min(medians["efficientnet-b0", backend] for backend in ("ONNX Runtime", "torch"))
    print(f"hybrid: {best:.2f} ms (target {TARGET_MS}), {prepared['hybrid'][1]:.2f} MB (target {TARGET_MB})")
    print(f"of EfficientNet-B0 in the same run: {best / rival:.2f} (target {TARGET_RATIO})")


if __name__ == "__main__":
    main()
