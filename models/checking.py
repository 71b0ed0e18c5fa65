"""Checks a model package part by part, so that one answer names all that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.calibration import Calibration
from models.metadata import Metadata
from models.package import (
    CALIBRATION,
    CARD,
    METADATA,
    RECIPE,
    WEIGHTS,
    ModelPackage,
    check_files,
    check_recipe,
    find_package,
    read_part,
)
from models.predictor import Predictor
from models.recipe import Recipe
from sievert.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from models.networks.spec import NetworkSpec

TOLERANCE = 1e-4
"""By how much ONNX Runtime may differ from torch, relative to the largest value where that is above 1."""

_IMAGES = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One check and how it ended.

    Attributes:
        name: What was checked.
        passed: Whether it holds; None where it could not be checked.
        said: What was found, in a line.
    """

    name: str
    passed: bool | None
    said: str


class _Impossible(Exception):  # noqa: N818 - no error: the check cannot be made, and its text says why
    """A check cannot be made."""


def check_package(name_or_folder: str | Path) -> list[Check]:
    """Check all there is to check; nothing in the package is ever unpickled.

    Args:
        name_or_folder: As for `models.package.load_package`.

    Returns:
        One entry a check, in the order: files, metadata, recipe, calibration, card, network, weights.

    Raises:
        ModelMissingError: There is no such package.
    """
    folder = find_package(name_or_folder)
    checks = {
        "files": _check_files,
        "metadata": _check_metadata,
        "recipe": _check_recipe,
        "calibration": _check_calibration,
        "card": _check_card,
        "network": _check_network,
        "weights": _check_weights,
    }
    return [_try(name, check, folder) for name, check in checks.items()]


def _try(name: str, check: Callable[[Path], str], folder: Path) -> Check:
    try:
        return Check(name, passed=True, said=check(folder))
    except ModelError as error:
        return Check(name, passed=False, said=error.message)
    except _Impossible as reason:
        return Check(name, passed=None, said=str(reason))


def _check_files(folder: Path) -> str:
    return f"every file is as it was made; digest {check_files(folder)[:16]}"


def _check_metadata(folder: Path) -> str:
    metadata = read_part(folder, METADATA, Metadata)
    return f"{metadata.name} {metadata.version}, labels {', '.join(metadata.labels)}"


def _check_recipe(folder: Path) -> str:
    recipe, metadata = read_part(folder, RECIPE, Recipe), read_part(folder, METADATA, Metadata)
    check_recipe(recipe, metadata)
    return f"{len(recipe.steps)} steps give {' x '.join(map(str, metadata.shape))}, which the network reads"


def _check_calibration(folder: Path) -> str:
    calibration = read_part(folder, CALIBRATION, Calibration)
    return f"temperature {calibration.temperature:.4f}, threshold {calibration.threshold:.4f}"


def _check_card(folder: Path) -> str:
    try:
        words = len((folder / CARD).read_text("utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError("the model package's card cannot be read") from error
    if not words:
        raise ModelError("the model package's card is empty")
    return f"{words} words"


def _check_network(folder: Path) -> str:
    package = _draft(folder)
    logits, features = Predictor(package).run(_random_batch(package.metadata))
    if logits.shape != (_IMAGES, len(package.metadata.labels)):
        raise ModelError(f"the network gives logits {logits.shape[1:]} for {len(package.metadata.labels)} labels")
    return f"ONNX Runtime loads it; features {' x '.join(map(str, features.shape[1:]))}"


def _check_weights(folder: Path) -> str:
    package = _draft(folder)
    spec = package.metadata.network
    if spec is None:
        raise _Impossible("not possible: made before packages named their architecture")
    batch = _random_batch(package.metadata)
    expected = _run_torch(spec, folder, batch)
    found = Predictor(package).run(batch)
    largest = max(_difference(one, other) for one, other in zip(found, expected, strict=True))
    if not largest <= TOLERANCE:
        raise ModelError(f"ONNX and the weights disagree by {largest:.1e}, more than {TOLERANCE:.0e}")
    return f"ONNX agrees with {spec.arch} rebuilt from its weights within {largest:.1e}"


def _draft(folder: Path) -> ModelPackage:
    metadata, recipe = read_part(folder, METADATA, Metadata), read_part(folder, RECIPE, Recipe)
    return ModelPackage(folder, metadata, recipe, read_part(folder, CALIBRATION, Calibration), digest="")


def _random_batch(metadata: Metadata) -> NDArray[np.float32]:
    shape = (_IMAGES, metadata.channels, *metadata.shape)
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def _run_torch(spec: NetworkSpec, folder: Path, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from models.networks.registry import build_network
    from models.networks.views import looking

    network = build_network(spec).eval()
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"the model package's weights do not fit the architecture {spec.arch}") from error
    with torch.inference_mode():
        return [tensor.numpy() for tensor in looking(network)(torch.from_numpy(batch))]


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))
