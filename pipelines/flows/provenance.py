"""What a package was made from, and how: enough to make it again."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from models.package import hash_file, hash_files
from models.training.scopes import read_scope
from sievert import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from models.metadata import Scope
    from models.training.settings import TrainingSettings

_LIBRARIES = ("torch", "numpy", "onnx", "onnxscript", "onnxruntime", "opencv-python-headless", "safetensors")


def describe_run(
    data: Path, out: Path, settings: TrainingSettings, *, scope: Scope, external: Path | None
) -> dict[str, Any]:
    """Names, hashes, settings and versions; no path, no time and no machine's name.

    Args:
        data: What was trained on.
        out: Where the package goes; only its name is told.
        settings: How it was trained.
        scope: What the package is for.
        external: What it was measured with besides, or None.
    """
    return {
        "command": f"sievert train {data.name} --out {out.name}{_flags(settings, scope, external)}",
        "data": {"name": data.name, "sha256": hash_file(data)},
        "external": {"name": external.name, "sha256": _hash_folder(external)} if external else None,
        "settings": settings.model_dump(mode="json"),
        "versions": _versions(),
        "machine": platform.machine(),
    }


def _versions() -> dict[str, str]:
    ours = {"sievert": __version__, "python": platform.python_version()}
    return ours | {name: version(name) for name in _LIBRARIES}


def _flags(settings: TrainingSettings, scope: Scope, external: Path | None) -> str:
    told = f" --seed {settings.seed} --epochs {settings.epochs} --threads {settings.threads}"
    told += "" if scope == read_scope() else f" --scope {scope.name}.json"
    return told + (f" --external {external.name}" if external else "")


def _hash_folder(folder: Path) -> str:
    lines = "".join(f"{value}  {name}\n" for name, value in sorted(hash_files(folder).items()))
    return hashlib.sha256(lines.encode()).hexdigest()
