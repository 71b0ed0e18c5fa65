"""What pre-training leaves: a folder checked like a model package, but of a body only, for `--init`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save

from models.networks.spec import NetworkSpec
from models.package import BODY, CARD, FILES, PROVENANCE, RECIPE, WEIGHTS, check_files, read_part
from models.packing import write_part
from models.recipe import Recipe
from sievert.errors import ModelError, ModelMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

PARTS = (BODY, RECIPE, WEIGHTS, CARD, PROVENANCE)
"""What the folder must hold."""


class BodyRecord(BaseModel):
    """What `configs/body.json` says.

    Attributes:
        format: Of this record.
        method: How the body was taught.
        network: Whose body it is; the number of classes means nothing.
        images: So many were learnt from.
        epochs: Passes over them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["sievert-body-1"] = "sievert-body-1"
    method: Literal["simclr"] = "simclr"
    network: NetworkSpec
    images: int = Field(ge=1)
    epochs: int = Field(ge=1)


@dataclass(frozen=True, slots=True)
class Body:
    """A pre-trained body whose files were found whole.

    Attributes:
        folder: Where it lies.
        weights_file: Safetensors, each name beginning with `body.`, as in a `Classifier`.
        spec: Whose body it is.
        recipe: How the images were prepared that it learnt from.
        digest: SHA-256 in hex over the names and hashes of all files, as a model package's.
    """

    folder: Path
    weights_file: Path
    spec: NetworkSpec
    recipe: Recipe
    digest: str


def is_body(folder: Path) -> bool:
    """Whether a folder says of itself that it holds a pre-trained body; nothing in it is checked."""
    return (folder / BODY).is_file()


def load_body(folder: Path) -> Body:
    """Check every file of a pre-trained body; nothing in it is ever unpickled.

    Args:
        folder: What `sievert pretrain` wrote.

    Raises:
        ModelMissingError: There is none.
        ModelError: A file is missing, was changed or cannot be understood.
    """
    if not (folder / FILES).is_file():
        raise ModelMissingError(f"no pre-trained body {folder.name!r}", remedy="Name what `sievert pretrain` wrote.")
    if not is_body(folder):
        raise ModelError(f"{folder.name!r} is a model package, not a pre-trained body")
    digest = check_files(folder, PARTS)
    record, recipe = read_part(folder, BODY, BodyRecord), read_part(folder, RECIPE, Recipe)
    if recipe.output_shape != record.network.shape:
        raise ModelError("the pre-trained body's recipe does not give the size that its network reads")
    return Body(folder, folder / WEIGHTS, record.network, recipe, digest)


def write_body(
    draft: Path, weights: dict[str, Tensor], record: BodyRecord, recipe: Recipe, provenance: dict[str, Any]
) -> None:
    """Write all files but the list.

    Args:
        draft: Of `models.packing.open_draft`.
        weights: The body's tensors, on the CPU.
        record: What it says of itself.
        recipe: How the images were prepared.
        provenance: What it was made from, and how; has `data`, `command` and `epochs`.
    """
    write_part(draft, WEIGHTS, save(weights))
    write_part(draft, BODY, record)
    write_part(draft, RECIPE, recipe)
    write_part(draft, PROVENANCE, provenance)
    write_part(draft, CARD, _write_card(record, provenance))


def _write_card(record: BodyRecord, provenance: dict[str, Any]) -> str:
    network, losses = record.network, [epoch["training_loss"] for epoch in provenance["epochs"]]
    size = " x ".join(str(side) for side in network.shape)
    data = "\n".join(f"| {one['name']} | {one['images']} | `{one['sha256']}` |" for one in provenance["data"])
    return f"""# Pre-trained body of {network.arch}

**No model: it names no class and must not be used on a patient. Train from it: `sievert train DATA --init FOLDER`.**

It was taught by SimCLR (Chen et al., ICML 2020): two changed views of an image shall look alike to it, views of
different images shall not. No label was read. It reads {size} px, {network.channels} channel(s).

| images from | images | SHA-256 of what was learnt from |
|---|---|---|
{data}

{record.epochs} epochs; the loss went from {losses[0]:.3f} to {losses[-1]:.3f}.

Made by `{provenance["command"]}`; versions and settings are in `{PROVENANCE}`.

A later test on images that it has seen here would not be one: pre-train on training splits only.
"""
