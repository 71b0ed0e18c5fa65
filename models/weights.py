"""Starts a network from weights that were learnt elsewhere: a package's, torchvision's or MONAI's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.package import load_package
from sievert.errors import ModelError, ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from models.networks.classifier import Classifier

_WRAPPINGS = re.compile(r"^((module|net|model|network|backbone)\.)+")
"""What data-parallel training, MONAI's bundles and frameworks put before every name."""

_RENAMED = (
    (re.compile(r"^body\."), ""),
    (re.compile(r"^features\."), ""),
    (re.compile(r"^(fc|_fc|classifier|class_layers\.out)\."), "head."),
    (re.compile(r"(denselayer\d+)\.(norm|conv)\.?(\d)\."), r"\1.layers.\2\3."),
)
"""Names of torchvision and MONAI, and what is left of them below our `body` and `head`."""

_BODIES = ("body.", "body.encoder.")
"""Where a network may hold them; a recurrent network has a ResNet for its encoder."""

_NESTED = ("state_dict", "model_state_dict", "model", "net", "network")
"""Keys under which a checkpoint may hold the weights."""

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What became of a file of weights.

    Attributes:
        loaded: Tensors of the network that were set.
        skipped: What was left out and why, a line each: tensors of the file by their names there, then tensors of
            the network that the file says nothing of.
    """

    loaded: int
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    name: str
    target: str
    tensor: Tensor
    problem: str = ""


def load_weights(network: Classifier, file: Path) -> LoadedWeights:
    """Set all weights of a network that a file has a fitting tensor for; the others stay as they are.

    A layer is taken whole or not at all, so a head for other classes is left out. Where the file's first convolution
    reads another number of channels, it is summed over them (one channel) or repeated and scaled to the same sum.

    Args:
        network: Changed in place.
        file: A package's folder; a `.safetensors` file; or a `.pt` or `.pth` file of tensors, of which nothing else
            is unpickled. Names may be ours, torchvision's or MONAI's.

    Raises:
        ModelMissingError: There is no such file.
        ModelError: It cannot be read, holds NaN or infinity, or nothing in it fits the network's body.
    """
    weights = _read_weights(file)
    matches = _match_layers(_match(network, weights))
    fitting = {match.target: match.tensor for match in matches if not match.problem}
    skipped = [f"{match.name}: {match.problem}" for match in matches if match.problem]
    if not any(name.startswith("body.") and not name.endswith(_COUNTER) for name in fitting):
        raise _nothing_fits(network, skipped)
    missing = [name for name in network.state_dict() if name not in fitting and not name.endswith(_COUNTER)]
    taken = {match.target for match in matches}
    skipped += [f"{name}: not in the file" for name in missing if name not in taken]
    network.load_state_dict(fitting, strict=False)
    return LoadedWeights(len(fitting), tuple(skipped))


def _read_weights(file: Path) -> dict[str, Tensor]:
    if file.is_dir():
        file = load_package(file).weights_file
    if not file.is_file():
        raise ModelMissingError(f"no weights {file.name!r}", remedy="Name a model package or a file of weights.")
    weights = _find_reader(file)(file)
    broken = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelError(f"{file.name} holds values that are no finite numbers, first in {broken[0]}")
    return weights


def _find_reader(file: Path) -> Callable[[Path], dict[str, Tensor]]:
    readers = {".safetensors": _read_safetensors, ".pt": _read_torch, ".pth": _read_torch}
    if file.suffix.lower() not in readers:
        raise ModelError(f"weights are read from {', '.join(readers)} files, not from {file.name!r}")
    return readers[file.suffix.lower()]


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file.name} cannot be read as safetensors") from error


def _read_torch(file: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a pickle that is no checkpoint raises whatever it likes
        raise ModelError(f"{file.name} cannot be read as a file of tensors alone") from error
    for key in _NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    found = content.items() if isinstance(content, dict) else ()
    return {str(name): value for name, value in found if isinstance(value, Tensor)}


def _match(network: Classifier, weights: dict[str, Tensor]) -> list[_Match]:
    state, first = network.state_dict(), _first_convolution(network)
    matches = []
    for name, given in weights.items():
        target = _rename(name, state)
        tensor = _fit_channels(given, state[target]) if target == first else given
        matches.append(_Match(name, target, tensor, _find_problem(tensor, state.get(target))))
    return matches


def _find_problem(tensor: Tensor, wanted: Tensor | None) -> str:
    """Why a tensor does not fit; empty where it does."""
    if wanted is None:
        return "the network has no such tensor"
    if tensor.shape != wanted.shape:
        return f"shape {tuple(tensor.shape)} does not fit {tuple(wanted.shape)}"
    if tensor.is_floating_point() != wanted.is_floating_point():
        return f"numbers of kind {tensor.dtype} do not fit {wanted.dtype}"
    return ""


def _rename(name: str, names: Iterable[str]) -> str:
    short = _WRAPPINGS.sub("", name)
    for pattern, replacement in _RENAMED:
        short = pattern.sub(replacement, short)
    places = [short] if short.startswith("head.") else [f"{body}{short}" for body in _BODIES]
    return next((place for place in places if place in names), places[0])


def _first_convolution(network: Classifier) -> str | None:
    names = (name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Conv3d))
    return next((f"{name}.weight" for name in names), None)


def _fit_channels(kernel: Tensor, wanted: Tensor) -> Tensor:
    """A kernel [feature, channel, *place] for another number of channels; an image of equal ones gives the same."""
    if kernel.ndim != wanted.ndim or kernel.shape[1] == wanted.shape[1]:
        return kernel
    given, channels = kernel.shape[1], wanted.shape[1]
    if channels == 1:
        return kernel.sum(dim=1, keepdim=True)
    order = torch.arange(channels) % given
    share = torch.bincount(order, minlength=given)[order].reciprocal()
    return kernel[:, order] * share.view(1, -1, *[1] * (kernel.ndim - 2))


def _match_layers(matches: list[_Match]) -> list[_Match]:
    """Leaves out what fits by chance, such as the bias of a head whose weights do not fit."""
    broken = {_layer(match.target) for match in matches if match.problem}
    return [
        _Match(match.name, match.target, match.tensor, match.problem or "the rest of its layer does not fit")
        if _layer(match.target) in broken
        else match
        for match in matches
    ]


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _nothing_fits(network: Classifier, skipped: list[str]) -> ModelError:
    spec = network.spec
    wanted = f"the body of {spec.arch} with {spec.rank} axes and {spec.channels} input channels"
    first = f"; {skipped[0]}" if skipped else ", which holds no tensors"
    return ModelError(f"nothing in the weights fits {wanted}{first}", remedy="Name weights of this architecture.")
