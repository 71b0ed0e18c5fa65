"""How long a network takes for one image: measured, on the file that is run."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from models.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.package import ModelPackage

WARM_UP = 10
"""Runs that are not counted."""


def measure_latencies(packages: list[ModelPackage], *, threads: int, rounds: int = 60) -> list[float]:
    """Median time of a single image through each package's ONNX file, in milliseconds.

    The packages take turns, so that what else the machine does falls on all of them alike.

    Args:
        packages: Of any networks.
        threads: Of ONNX Runtime.
        rounds: Turns.
    """
    runs = [_prepare(package, threads=threads) for package in packages]
    for run in runs:
        for _ in range(WARM_UP):
            run()
    times = [[_time_ms(run) for run in runs] for _ in range(rounds)]
    return [median(column) for column in zip(*times, strict=True)]


def measure_gpu_latencies(packages: list[ModelPackage], *, rounds: int = 60) -> list[float] | None:
    """The same through torch on the GPU, weights from the package; None where there is no GPU.

    Args:
        packages: Whose metadata names their network.
        rounds: Turns.
    """
    import torch

    if not torch.cuda.is_available():
        return None
    runs = [_prepare_gpu(package) for package in packages]
    for run in runs:
        for _ in range(WARM_UP):
            run()
    times = [[_time_ms(run) for run in runs] for _ in range(rounds)]
    return [median(column) for column in zip(*times, strict=True)]


def _prepare(package: ModelPackage, *, threads: int) -> Callable[[], object]:
    predictor = Predictor(package, threads=threads)
    image = _draw_image(package)
    return lambda: predictor.run(image)


def _prepare_gpu(package: ModelPackage) -> Callable[[], object]:
    import torch

    from models.networks.registry import build_network
    from models.networks.views import looking
    from models.weights import load_weights
    from sievert.errors import ModelError

    if package.metadata.network is None:
        raise ModelError("the model package does not say which network it is")
    network = build_network(package.metadata.network)
    load_weights(network, package.weights_file)
    look = looking(network.eval()).cuda()
    image = torch.from_numpy(_draw_image(package)).cuda()

    def run() -> None:
        with torch.inference_mode():
            look(image)
        torch.cuda.synchronize()

    return run


def _draw_image(package: ModelPackage) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    metadata = package.metadata
    drawn = np.random.default_rng(0).standard_normal((1, metadata.channels, *metadata.shape))
    return drawn.astype(np.float32)


def _time_ms(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3
