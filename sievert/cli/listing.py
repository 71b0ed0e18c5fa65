"""What `sievert model list` says of packages and of the zoo."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sievert.cli.console import plain

if TYPE_CHECKING:
    from models.networks.architecture import Architecture

_SHAPES = {2: (224, 224), 3: (32, 64, 64)}
"""At which parameters are counted; most architectures have as many at any size."""

_MILLION = 1_000_000


def list_packages() -> list[dict[str, Any]]:
    """The packages that come with Sievert, checked."""
    from models.package import load_package, shipped_packages

    return [_package(name, load_package(folder)) for name, folder in shipped_packages().items()]


def list_architectures() -> list[dict[str, Any]]:
    """The zoo: what each architecture is, reads and takes, and its parameters with two classes and one channel."""
    from models.networks.registry import ARCHITECTURES

    return [_architecture(architecture) for architecture in ARCHITECTURES.values()]


def tell_package(one: dict[str, Any]) -> str:
    """A package in a few lines for people, as rich marks them up."""
    figures = ("-" if one[name] is None else f"{one[name]:.3f}" for name in ("auroc", "accuracy"))
    return "\n".join(
        (
            f"[bold]{plain(one['name'])}[/]  {plain(one['package'])} {plain(one['version'])}: {plain(one['task'])}",
            f"  {plain(', '.join(one['labels']))}; reads {_joined(one['input'])}; network {one['network'] or '-'}",
            "  on its test split: AUROC {}, accuracy {}".format(*figures),
        )
    )


def tell_architecture(one: dict[str, Any]) -> str:
    """An architecture in a few lines for people, as rich marks them up."""
    counted = (f"{rank} ({number / _MILLION:.2f} M parameters)" for rank, number in one["parameters"].items())
    options = ", ".join(f"{name} {value}" for name, value in one["options"].items())
    return "\n".join(
        (
            f"[bold]{one['name']}[/]  {plain(one['title'])}",
            f"  reads {', '.join(counted)}; options {plain(options)}",
            f"  {plain(one['source'])}",
        )
    )


def _joined(shape: list[int]) -> str:
    return " x ".join(map(str, shape))


def _package(name: str, package: Any) -> dict[str, Any]:  # noqa: ANN401 - its type would be imported with the models
    metadata = package.metadata
    test = json.loads(package.metrics_file.read_bytes()).get("test", {})
    return {
        "name": name,
        "package": metadata.name,
        "version": metadata.version,
        "task": metadata.task,
        "labels": list(metadata.labels),
        "input": [metadata.channels, *metadata.shape],
        "network": metadata.network.arch if metadata.network else None,
        "digest": package.digest,
        "auroc": test.get("auroc"),
        "accuracy": test.get("accuracy"),
    }


def _architecture(architecture: Architecture) -> dict[str, Any]:
    return {
        "name": architecture.name,
        "title": architecture.title,
        "source": architecture.source,
        "ranks": list(architecture.ranks),
        "parameters": {f"{rank}-D": _count(architecture, rank) for rank in architecture.ranks},
        "options": architecture.defaults,
    }


def _count(architecture: Architecture, rank: int) -> int:
    import torch

    from models.networks.registry import build_network
    from models.networks.spec import NetworkSpec

    with torch.device("meta"):  # shapes without memory: nothing is drawn or allocated
        network = build_network(NetworkSpec(arch=architecture.name, shape=_SHAPES[rank]))
    return sum(parameter.numel() for parameter in network.parameters())
