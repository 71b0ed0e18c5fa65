"""What a package was made from, and how: enough to make it again."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.networks.registry import find_architecture
from models.networks.spec import NetworkSpec
from models.package import hash_file, hash_files
from models.recipes import STANDARD
from models.training.choices import apply_values
from models.training.settings import TrainingSettings
from sievert import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.networks.spec import Option
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.training.start import Prior
    from pipelines.labelled.data import LabelledData

_LIBRARIES = ("torch", "monai", "numpy", "onnx", "onnxscript", "onnxruntime", "opencv-python-headless", "safetensors")


def describe_run(
    order: TrainingOrder, data: LabelledData, spec: NetworkSpec, *, out: Path, prior: Prior
) -> dict[str, Any]:
    """Names, hashes, settings and versions; no path, no time and no machine's name.

    Args:
        order: What was asked for.
        data: What it was trained on.
        spec: The network, all options filled in.
        out: Where the package goes; only its name is told.
        prior: What the training built on.
    """
    external = order.external
    return {
        "command": shlex.join(["sievert", "train", data.name, "--out", out.name, *_flags(order, spec)]),
        "data": {"name": data.name, "sha256": data.digest, "unreadable": data.unreadable},
        "external": {"name": external.name, "sha256": hash_path(external)} if external else None,
        "start": {"name": order.init.name, "sha256": prior.start.digest} if order.init and prior.start else None,
        "teachers": [
            {"name": model.name, "arch": teacher.spec.arch, "sha256": teacher.weights.digest}
            for model, teacher in zip(order.teachers, prior.teachers, strict=True)
        ],
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


def set_flags(values: Mapping[str, Any]) -> list[str]:
    """`--set` and its text for each value by dotted name, as `models.training.choices.parse_choices` reads them."""
    texts = {name: value if isinstance(value, str) else _as_json(value) for name, value in values.items()}
    return [part for name, text in texts.items() for part in ("--set", f"{name}={text}")]


def _as_json(value: Any) -> str:  # noqa: ANN401 - a value of any setting
    return json.dumps(value, separators=(",", ":"))


def _flags(order: TrainingOrder, spec: NetworkSpec) -> list[str]:
    """The flags that make this training anew, in full for what is no default."""
    given: dict[str, Any] = {"--arch": order.arch, "--size": "x".join(map(str, order.shape))}
    given |= {} if order.channels == 1 else {"--channels": order.channels}
    given |= {} if order.prepared == STANDARD else {"--recipe": Path(order.prepared).name}
    given |= {} if order.views == "plain" else {"--views": order.views}
    # where it was tuned, the settings that were found stand below: with them nothing need be tuned again
    if order.threshold is not None and "retraining" not in order.notes:
        given |= {"--threshold": order.threshold, "--trials": order.trials}
    given |= {"--scope": f"{order.scope.name}.json"} if order.scope else {}
    given |= {"--init": order.init.name} if order.init else {}
    given |= {"--external": order.external.name} if order.external else {}
    flags = [str(part) for pair in given.items() for part in pair]
    flags += [part for model in order.teachers for part in ("--teacher", model.name)]
    return [*flags, *set_flags(_choices(order, spec))]


def _choices(order: TrainingOrder, spec: NetworkSpec) -> dict[str, Any]:
    """What the user chose, what is not as it would be without a word, and what a reader looks for first."""
    architecture = find_architecture(order.arch)
    plain = NetworkSpec(arch=order.arch, shape=order.shape, channels=order.channels)
    begun, settings = apply_values(plain, TrainingSettings(), architecture.starts)
    before = _by_name(settings, {**architecture.defaults, **begun.options})
    always = {"training.seed", "training.epochs", "training.threads", *order.fixed, *_named("network", order.options)}
    now = _by_name(order.settings, spec.options)
    return {name: value for name, value in now.items() if name in always or value != before[name]}


def _by_name(settings: TrainingSettings, options: Mapping[str, Option]) -> dict[str, Any]:
    values = {f"training.{name}": value for name, value in settings if name != "augment"}
    values |= {f"augment.{name}": value for name, value in settings.augment}
    return values | {f"network.{name}": value for name, value in options.items()}


def _named(prefix: str, names: Iterable[str]) -> set[str]:
    return {f"{prefix}.{name}" for name in names}
