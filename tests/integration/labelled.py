"""Small labelled sets, and the flags of a network that learns them in seconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = ("network.widths=[8,8,16,16]", "network.depths=[1,1]", "network.heads=2")
TINY = tuple(part for option in OPTIONS for part in ("--set", option))
FAST = (*TINY, "--threads", 1, "--batch-size", 8, "--epochs", 2, "--json")


def save_boxes(file: Path, sizes: tuple[int, int, int] = (32, 16, 16), **others: Any) -> Path:  # noqa: ANN401 - arrays
    """MedMNIST's layout: pictures of which half have a bright square."""
    draw = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, images in zip(("train", "val", "test"), sizes, strict=True):
        labels = np.arange(images) % 2
        pixels = draw.integers(0, 120, (images, 28, 28))
        pixels[:, 8:20, 8:20] += 100 * labels[:, None, None]
        arrays |= {f"{split}_images": pixels.astype(np.uint8), f"{split}_labels": labels[:, None]}
    np.savez(file, **{**arrays, **others})
    return file


def weights_in(package: Path) -> dict[str, bytes]:
    """A package's tensors, bit by bit."""
    weights = load_file(package / "models" / "model.safetensors")
    return {name: one.tobytes() for name, one in weights.items()}


def provenance_of(package: Path) -> dict[str, Any]:
    """What a package says of how it was made."""
    told: dict[str, Any] = json.loads((package / "provenance.json").read_bytes())
    return told
