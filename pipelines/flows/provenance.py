"""What a package was made from, and how: enough to make it again."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from models.package import hash_file, hash_files
from sievert import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from models.networks.spec import NetworkSpec
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.training.start import Start
    from pipelines.labelled.data import LabelledData

_LIBRARIES = ("torch", "monai", "numpy", "onnx", "onnxscript", "onnxruntime", "opencv-python-headless", "safetensors")


def describe_run(
    order: TrainingOrder, data: LabelledData, spec: NetworkSpec, *, out: Path, start: Start | None
) -> dict[str, Any]:
    """Names, hashes, settings and versions; no path, no time and no machine's name.

    Args:
        order: What was asked for.
        data: What it was trained on.
        spec: The network, all options filled in.
        out: Where the package goes; only its name is told.
        start: What the network began with, or None: nothing.
    """
    external = order.external
    return {
        "command": f"sievert train {data.name} --out {out.name}{_flags(order)}",
        "data": {"name": data.name, "sha256": data.digest, "unreadable": data.unreadable},
        "external": {"name": external.name, "sha256": hash_path(external)} if external else None,
        "start": {"name": order.init.name, "sha256": start.digest} if order.init and start else None,
        "network": spec.model_dump(mode="json"),
        "settings": order.settings.model_dump(mode="json"),
        **order.notes,
        "versions": list_versions(),
        "machine": platform.machine(),
    }


def list_versions() -> dict[str, str]:
    """Of Sievert, Python and the libraries that weights and figures depend on."""
    ours = {"sievert": __version__, "python": platform.python_version()}
    return ours | {name: version(name) for name in _LIBRARIES}


def hash_path(path: Path) -> str:
    """SHA-256 in hex of a file, or over the names and hashes of all files below a folder."""
    if path.is_file():
        return hash_file(path)
    lines = "".join(f"{value}  {name}\n" for name, value in sorted(hash_files(path).items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _flags(order: TrainingOrder) -> str:
    """The flags that make this training anew, in full for what is no default."""
    told = f" --arch {order.arch} --size {'x'.join(map(str, order.shape))}"
    told += "" if order.channels == 1 else f" --channels {order.channels}"
    told += "" if order.views == "plain" else f" --views {order.views}"
    told += "" if order.threshold is None else f" --threshold {order.threshold} --trials {order.trials}"
    told += "".join(f" --set {key}={value}" for key, value in _choices(order).items())
    told += f" --scope {order.scope.name}.json" if order.scope else ""
    told += f" --init {order.init.name}" if order.init else ""
    return told + (f" --external {order.external.name}" if order.external else "")


def _choices(order: TrainingOrder) -> dict[str, Any]:
    from models.training.settings import AugmentSettings, TrainingSettings

    chosen = order.settings.model_dump(exclude={"augment"})
    augment = order.settings.augment.model_dump()
    given = {f"training.{name}": value for name, value in _changed(chosen, TrainingSettings().model_dump()).items()}
    given |= {f"augment.{name}": value for name, value in _changed(augment, AugmentSettings().model_dump()).items()}
    return given | {f"network.{name}": value for name, value in order.options.items()}


def _changed(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    # seed, epochs and threads are told always: they are what a reader looks for first
    return {k: v for k, v in values.items() if v != defaults[k] or k in {"seed", "epochs", "threads"}}
