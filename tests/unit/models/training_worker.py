"""One of two workers that train together, as a program: `RANK MEETING OUT`; it writes what it saw and ended with."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import distributed

from models.training import loop
from models.training.source import ResidentSource
from tests.unit.models.training_samples import pictures, settings, spec, weights_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

SETTINGS = settings(epochs=2, batch_size=8, ema_decay=0.9, accumulate=2)
VALIDATION = pictures(9, seed=2)


class Watched(ResidentSource):
    """Notes how many images each batch showed."""

    seen: list[int]

    def batches(self, epoch: int, draw: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """As the source's own."""
        for images, targets in super().batches(epoch, draw):
            self.seen.append(len(images))
            yield images, targets


def main(rank: int, meeting: Path, out: Path) -> None:
    """Train with the other one."""
    wait = timedelta(seconds=120)
    distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=2, timeout=wait)
    Watched.seen = []
    setattr(loop, "ResidentSource", Watched)  # noqa: B010 - mypy knows the name as the class's own
    training = loop.Training(pictures(), VALIDATION, spec(), SETTINGS)
    while not training.finished:
        training.run_epoch()
    hashes = {
        name: hashlib.sha256(b"".join(weights_of(one).values())).hexdigest()
        for name, one in (("network", training._network), ("average", training._average), ("chosen", training.chosen()))
    }
    figures = [[epoch.training_loss, epoch.validation_loss, epoch.validation_accuracy] for epoch in training.epochs]
    (out / f"{rank}.json").write_text(json.dumps({"hashes": hashes, "figures": figures, "seen": Watched.seen}))
    torch.save(training.state(), out / f"{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
