"""What one worker of a comparison does: trains one network in its own process and writes the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.training.loop import fit_network
from pipelines.flows.packaging import write_package
from pipelines.flows.train import gather
from pipelines.flows.training.start import Prior

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.flows.train import TrainingOrder
    from pipelines.labelled.data import LabelledData


def train_package(data: LabelledData, out: Path, order: TrainingOrder) -> tuple[str, float]:
    """Train and write one package.

    Args:
        data: Read once for all.
        out: Folder of the package, on a disk that the driver sees.
        order: What is to be trained; its seed is in its settings.

    Returns:
        Name of the folder, and seconds of training.
    """
    import time

    begin = time.monotonic()
    network, epochs = fit_network(
        data.train, data.validation, order.spec(len(data.labels)), order.settings, on_epoch=lambda _: None
    )
    seconds = time.monotonic() - begin
    write_package(out, gather(order, data, network, epochs, out=out, prior=Prior()))
    return out.name, seconds
