"""Small labelled sets for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import nibabel as nib
import numpy as np

from models.recipe import Recipe, Resize, ZScore, volume_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RECIPE = Recipe(steps=(Resize(rows=6, columns=5), ZScore()))
VOLUMES = volume_recipe(slices=3, rows=4, columns=5)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Random pixels."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save_npz(folder: Path, name: str = "data.npz", **arrays: NDArray[Any]) -> Path:
    """A .npz file."""
    file = folder / name
    np.savez(file, **arrays)  # type: ignore[arg-type] # numpy's stub mixes up arrays and its own flag
    return file


def medmnist(place: tuple[int, ...] = (6, 5), sizes: Sequence[int] = (8, 4, 4), classes: int = 2) -> dict[str, Any]:
    """Arrays as MedMNIST lays them out, no image twice."""
    images, arrays = noise(sum(sizes), *place), {}
    ends = np.cumsum([0, *sizes])
    for split, start, end in zip(("train", "val", "test"), ends[:-1], ends[1:], strict=True):
        arrays[f"{split}_images"] = images[start:end]
        arrays[f"{split}_labels"] = (np.arange(end - start) % classes).astype(np.uint8)[:, None]
    return arrays


def save_pictures(folder: Path, names: Sequence[str], *, seed: int = 1) -> list[Path]:
    """Grey PNGs of 9 by 8 pixels, each another, with the folders above them."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), noise(9, 8, seed=seed + number))
    return [folder / name for name in names]


def save_classes(folder: Path, counts: dict[str, int]) -> None:
    """A sub-folder a class with so many pictures."""
    names = [f"{label}/{number:03d}.png" for label, count in counts.items() for number in range(count)]
    save_pictures(folder, names)


def save_volume(file: Path, values: NDArray[Any]) -> Path:
    """A NIfTI file of 1 mm voxels along the body's axes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values, np.eye(4)), file)
    return file


def write_manifest(folder: Path, header: str, rows: Sequence[str]) -> Path:
    """A CSV manifest."""
    file = folder / "manifest.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return file
