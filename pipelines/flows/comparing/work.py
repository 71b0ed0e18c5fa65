"""What one worker of a comparison does: trains one network in its own process and writes the package."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.training.loop import fit_network
from pipelines.flows.packaging import write_package
from pipelines.flows.refitting import join_splits, settings_again
from pipelines.flows.train import find_prior, gather

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.flows.train import TrainingOrder
    from pipelines.labelled.data import LabelledData


def train_package(data: LabelledData, out: Path, order: TrainingOrder) -> tuple[str, float]:
    """Train and write one package.

    Args:
        data: Read once for all.
        out: Folder of the package, on a disk that the driver sees.
        order: What is to be trained; its seed is in its settings, its teachers are packages.

    Returns:
        Name of the folder, and seconds of training.
    """
    import time

    begin = time.monotonic()
    prior = find_prior(order, classes=len(data.labels))
    teachers = [teacher.build() for teacher in prior.teachers]
    network, epochs = fit_network(
        data.train,
        data.validation,
        order.spec(len(data.labels)),
        order.settings,
        on_epoch=lambda _: None,
        teachers=teachers,
    )
    trained = gather(order, data, network, epochs, out=out, prior=prior)
    if order.settings.refit:
        settings = settings_again(order.settings, epochs)
        again, _ = fit_network(
            join_splits(data), data.validation, network.spec, settings, on_epoch=lambda _: None, teachers=teachers
        )
        trained = replace(trained, network=again, judged=network)
    seconds = time.monotonic() - begin
    write_package(out, trained)
    return out.name, seconds
