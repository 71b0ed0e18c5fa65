"""The zoo: every architecture by name, and the one way to build a network."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from models.networks.alexnet import ALEXNET
from models.networks.densenet import DENSENET121
from models.networks.efficientnet import EFFICIENTNET
from models.networks.hybrid import HYBRID
from models.networks.recurrent import RECURRENT
from models.networks.residual import RESNET18, RESNET50
from models.networks.unet import UNET
from models.networks.vit import VIT
from sievert.errors import NetworkInputError, UnknownArchitectureError

if TYPE_CHECKING:
    from models.networks.architecture import Architecture, NetworkOptions
    from models.networks.classifier import Classifier
    from models.networks.spec import NetworkSpec

_ALL = (ALEXNET, RESNET18, RESNET50, DENSENET121, EFFICIENTNET, UNET, VIT, RECURRENT, HYBRID)

ARCHITECTURES: dict[str, Architecture] = {architecture.name: architecture for architecture in _ALL}
"""The zoo, in the order that tables show."""

_AXES = ("slices", "rows", "columns")


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        UnknownArchitectureError: There is none; the message lists names that look alike, or all.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    near = difflib.get_close_matches(name.lower(), ARCHITECTURES, cutoff=0.5) or list(ARCHITECTURES)
    raise UnknownArchitectureError(f"no architecture {name!r}; there is {', '.join(near)}")


def build_network(spec: NetworkSpec) -> Classifier:
    """A network with weights drawn anew from torch's generator.

    Args:
        spec: What is asked for; the network's own spec has the defaults of all options filled in, so that it stays
            the same network where a default changes.

    Raises:
        UnknownArchitectureError: The zoo has no such architecture.
        NetworkInputError: It does not read such images, or has no such option.
    """
    architecture = find_architecture(spec.arch)
    _check_shape(architecture, spec)
    options = _read_options(architecture, spec).model_dump()
    return architecture.build(spec.model_copy(update={"options": options}))


def _check_shape(architecture: Architecture, spec: NetworkSpec) -> None:
    if spec.rank not in architecture.ranks:
        raise NetworkInputError(f"{architecture.name} reads {_describe_ranks(architecture)}, not {spec.rank}-D ones")
    least = architecture.smallest[-spec.rank :]
    if any(side < smallest for side, smallest in zip(spec.shape, least, strict=True)):
        needed = ", ".join(f"{number} {axis}" for number, axis in zip(least, _AXES[-spec.rank :], strict=True))
        given = " x ".join(str(side) for side in spec.shape)
        raise NetworkInputError(f"{architecture.name} reads at least {needed}; {given} px are too few")


def _describe_ranks(architecture: Architecture) -> str:
    axes = [f"{rank}-D images ({', '.join(_AXES[-rank:])})" for rank in architecture.ranks]
    return " or ".join(axes)


def _read_options(architecture: Architecture, spec: NetworkSpec) -> NetworkOptions:
    unknown = sorted(set(spec.options) - set(architecture.options))
    if unknown:
        known = ", ".join(architecture.options)
        raise NetworkInputError(f"{architecture.name} has no option {', '.join(unknown)}; it has {known}")
    try:
        return architecture.settings.model_validate(spec.options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "options"
        raise NetworkInputError(f"{architecture.name} cannot have such {name}: {first['msg']}") from error
