"""Pre-trains a network's body on images without labels, and writes what `--init` takes."""

from __future__ import annotations

import hashlib
import platform
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.registry import build_network
from models.packing import check_out, open_draft
from models.pretraining.body_package import Body, BodyRecord, load_body, write_body
from models.pretraining.settings import PretrainSettings
from models.training.settings import LabelledSet
from pipelines.flows.provenance import list_versions, set_flags
from pipelines.flows.train import TrainingOrder
from pipelines.flows.training.pretraining import PretrainFollower, fit_body
from pipelines.flows.training.storage import RunStorage
from pipelines.labelled.data import digest_pixels
from pipelines.labelled.unlabelled import read_unlabelled
from pipelines.results.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from models.networks.spec import NetworkSpec
    from models.pretraining.settings import PretrainEpoch
    from models.recipe import Recipe
    from pipelines.flows.training.run import Crew


@dataclass(frozen=True, slots=True)
class PretrainOrder:
    """What is to be pre-trained.

    Attributes:
        spec: Whose body; the number of classes means nothing.
        settings: How.
    """

    spec: NetworkSpec
    settings: PretrainSettings

    def recipe(self) -> Recipe:
        """How images are prepared: as training prepares them."""
        return TrainingOrder(arch=self.spec.arch, shape=self.spec.shape).recipe()


def pretrain(data: Sequence[Path], out: Path, order: PretrainOrder, *, crew: Crew, follower: PretrainFollower) -> Body:
    """Pre-train on images, on Ray, and write the body; the same call goes on after an interruption.

    Of a set that has splits only the training split is read, so that its test stays one.

    Args:
        data: Sets of images, with labels or without: MedMNIST .npz files, folders of any depth, manifests.
        out: Folder of the body; a body or package that is there is replaced, anything else is refused.
        order: What is to be pre-trained.
        crew: Who does it; its storage is removed when the body is written.
        follower: Hears of epochs and of what the reader should know.

    Returns:
        The body, as loaded from `out`.

    Raises:
        InputMissingError: There is nothing at a place of `data`.
        LabelError: There is no picture, or too many cannot be decoded.
        UnknownArchitectureError: The zoo has no such network.
        NetworkInputError: It does not read such images.
        TrainingError: It cannot go on.
        OutFolderError: Something lies at `out` that is no package.
        StorageError: State or body cannot be written.
        ClusterError: No Ray session is open.
    """
    check_out(out)
    recipe, spec = order.recipe(), build_network(order.spec).spec
    images = [read_unlabelled(one, recipe=recipe, channels=spec.channels) for one in data]
    sources = [_describe_source(one, pixels) for one, pixels in zip(data, images, strict=True)]
    weights, epochs = fit_body(
        _unlabelled(images), spec, order.settings, digest=_digest(sources), crew=crew, follower=follower
    )
    record = BodyRecord(network=spec, images=sum(map(len, images)), epochs=len(epochs))
    provenance = _describe_run(data, out, order, record, sources, epochs)
    body = _write(out, weights, record, recipe, provenance)
    RunStorage(crew.storage).remove()
    return body


def _unlabelled(images: list[NDArray[np.uint8]]) -> LabelledSet:
    together = np.concatenate(images)
    return LabelledSet(together, np.zeros(len(together), dtype=np.int64))  # nobody looks at these labels


def _write(
    out: Path, weights: dict[str, Tensor], record: BodyRecord, recipe: Recipe, provenance: dict[str, Any]
) -> Body:
    with disk_errors("the pre-trained body could not be written"), open_draft(out) as draft:
        write_body(draft, weights, record, recipe, provenance)
    return load_body(out)


def _describe_source(data: Path, images: NDArray[np.uint8]) -> dict[str, Any]:
    return {"name": data.name, "images": len(images), "sha256": digest_pixels(images).hex()}


def _digest(sources: list[dict[str, Any]]) -> str:
    return hashlib.sha256("".join(source["sha256"] for source in sources).encode()).hexdigest()


def _describe_run(
    data: Sequence[Path],
    out: Path,
    order: PretrainOrder,
    record: BodyRecord,
    sources: list[dict[str, Any]],
    epochs: list[PretrainEpoch],
) -> dict[str, Any]:
    """Names, hashes, settings and versions; no path, no time and no machine's name."""
    return {
        "command": shlex.join(["sievert", "pretrain", *(one.name for one in data), "--out", out.name, *_flags(order)]),
        "data": sources,
        "network": record.network.model_dump(mode="json"),
        "settings": order.settings.model_dump(mode="json"),
        "seed": order.settings.seed,
        "epochs": [{**asdict(epoch), "training_loss": round(epoch.training_loss, 5)} for epoch in epochs],
        "versions": list_versions(),
        "machine": platform.machine(),
    }


def _flags(order: PretrainOrder) -> list[str]:
    """The flags that make this anew, in full for what is no default."""
    spec, settings, defaults = order.spec, order.settings, PretrainSettings()
    told = ["--arch", spec.arch, "--size", "x".join(map(str, spec.shape))]
    told += [] if spec.channels == 1 else ["--channels", str(spec.channels)]
    plain = {name: value for name, value in settings if name != "augment"}
    always = {"seed", "epochs", "threads"}
    chosen = {f"training.{name}": v for name, v in plain.items() if name in always or v != getattr(defaults, name)}
    chosen |= {f"augment.{name}": v for name, v in settings.augment if v != getattr(defaults.augment, name)}
    chosen |= {f"network.{name}": value for name, value in spec.options.items()}
    return told + set_flags(chosen)
