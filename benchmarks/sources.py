"""Which brings batches to a training faster: a tensor that stays in memory, or a stream from Ray Data.

Both give the same shuffled and augmented batches of the same drawn pictures, a pass after a pass, on one core; the
stream is blocks of Ray's object store that are shuffled whole, then once more within a window, as Ray's guide to
training advises. Prints images a second of each, median over passes, and how many times faster the tensor is.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cluster.session import open_session
from models.training.augment import augment
from models.training.settings import AugmentSettings, LabelledSet, TrainingSettings
from models.training.source import ResidentSource, to_unit
from models.training.workers import Workers, pick_device
from sievert.settings import ClusterSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH, BLOCKS, WINDOW = 64, 16, 1024
SIZES = ((5_000, 28), (50_000, 28), (2_000, 224))
"""Images and side: PneumoniaMNIST's size, ten times that, and full-size pictures."""


def draw_pictures(images: int, side: int) -> LabelledSet:
    """Noise; a batch costs the same whatever it shows."""
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (images, 1, side, side), dtype=np.uint8)
    return LabelledSet(pictures, np.arange(images, dtype=np.int64) % 2)


def resident(pictures: LabelledSet, epoch: int) -> Iterator[torch.Tensor]:
    """Batches as training takes them."""
    settings = TrainingSettings(batch_size=BATCH)
    source = ResidentSource(pictures, settings, classes=2, workers=Workers(), device=pick_device())
    for images, _ in source.batches(epoch, torch.Generator().manual_seed(epoch)):
        yield images


def streamed(stream: Any, epoch: int) -> Iterator[torch.Tensor]:  # noqa: ANN401 - Ray ships no types
    """The same from a Ray Data set."""
    draw = torch.Generator().manual_seed(epoch)
    shuffled = stream.randomize_block_order(seed=epoch)
    batches = shuffled.iter_torch_batches(
        batch_size=BATCH, drop_last=True, local_shuffle_buffer_size=WINDOW, local_shuffle_seed=epoch
    )
    for batch in batches:
        yield augment(to_unit(batch["images"]), AugmentSettings(), draw)


def rate(batches: Iterator[torch.Tensor]) -> float:
    """Images a second of one pass."""
    start = time.perf_counter()
    images = sum(len(batch) for batch in batches)
    return images / (time.perf_counter() - start)


def measure(images: int, side: int, passes: int) -> tuple[float, float]:
    """Images a second of the tensor and of the stream, medians of passes taken in turn after one to warm up."""
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # it tells each pass in six lines
    ray.data.DataContext.get_current().enable_progress_bars = False
    pictures = draw_pictures(images, side)
    blocks = zip(np.array_split(pictures.images, BLOCKS), np.array_split(pictures.labels, BLOCKS), strict=True)
    stream = ray.data.from_blocks([_make_block(*block) for block in blocks])
    both = [(rate(resident(pictures, epoch)), rate(streamed(stream, epoch))) for epoch in range(passes + 1)]
    first, second = zip(*both[1:], strict=True)
    return statistics.median(first), statistics.median(second)


def _make_block(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - Arrow ships no types
    import pyarrow as pa
    from ray.data.extensions import ArrowTensorArray

    return pa.table({"images": ArrowTensorArray.from_numpy(images), "labels": labels})


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    passes = parser.parse_args().passes
    torch.set_num_threads(1)
    with open_session(ClusterSettings()):
        rows = [(images, side, *measure(images, side, passes)) for images, side in SIZES]
    print("images a second, median: resident tensor, Ray Data stream, times faster")
    for images, side, tensor, stream in rows:
        print(f"{images:>6} images of {side:>3} px: {tensor:>9,.0f} {stream:>9,.0f} {tensor / stream:>6.1f}")


if __name__ == "__main__":
    main()
