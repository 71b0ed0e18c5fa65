"""Model packages: a folder laid out like a MONAI bundle, checked file by file before it is used."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.calibration import Calibration
from models.metadata import Metadata
from models.recipe import Recipe
from sievert.errors import ModelError, ModelMissingError

FILES = "files.json"
"""Lists every other file of the package with its SHA-256."""

METADATA = "configs/metadata.json"
RECIPE = "configs/recipe.json"
CALIBRATION = "configs/calibration.json"
WEIGHTS = "models/model.safetensors"
ONNX = "models/model.onnx"
CARD = "docs/README.md"
METRICS = "metrics.json"
PROVENANCE = "provenance.json"

BODY = "configs/body.json"
"""Stands only in what `sievert pretrain` writes, which is no model yet; see `models.pretraining.body_package`."""

PARTS = (METADATA, RECIPE, CALIBRATION, WEIGHTS, ONNX, CARD, METRICS, PROVENANCE)
"""What a package must hold."""

_Record = TypeVar("_Record", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A package whose files were found whole.

    Attributes:
        folder: Where it lies.
        metadata: What it says of itself.
        recipe: How its pictures are prepared.
        calibration: How its logits are read.
        digest: SHA-256 in hex over the sorted names and SHA-256 of all its files; names the package in
            every sealed record.
    """

    folder: Path
    metadata: Metadata
    recipe: Recipe
    calibration: Calibration
    digest: str

    @property
    def named(self) -> dict[str, str]:
        """Name, version and digest, as headers and records tell which model it was."""
        return {"name": self.metadata.name, "version": self.metadata.version, "digest": self.digest}

    @property
    def onnx_file(self) -> Path:
        """The network: input `image`, outputs `logits` and `features`."""
        return self.folder / ONNX

    @property
    def weights_file(self) -> Path:
        """The weights, as safetensors."""
        return self.folder / WEIGHTS

    @property
    def card_file(self) -> Path:
        """The model card, for readers."""
        return self.folder / CARD

    @property
    def metrics_file(self) -> Path:
        """What was measured when the package was made."""
        return self.folder / METRICS

    def metrics(self) -> dict[str, Any]:
        """The content of that file: `validation`, `test` and, where there is one, `external`."""
        return self._read_json(METRICS)

    def provenance(self) -> dict[str, Any]:
        """What it was made from and how."""
        return self._read_json(PROVENANCE)

    def _read_json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return found


def load_package(name_or_folder: str | Path) -> ModelPackage:
    """Find a package and check every file of it; nothing in it is ever unpickled.

    Args:
        name_or_folder: Name of a shipped package, or the folder of any package. A shipped name wins over
            a folder that happens to be called so; write `./name` for the folder.

    Raises:
        ModelMissingError: There is none; the message lists names that look alike.
        ModelError: A file is missing, was changed, cannot be understood or does not fit the others.
    """
    folder = find_package(name_or_folder)
    digest = check_files(folder)
    metadata = read_part(folder, METADATA, Metadata)
    recipe = read_part(folder, RECIPE, Recipe)
    check_recipe(recipe, metadata)
    calibration = read_part(folder, CALIBRATION, Calibration)
    return ModelPackage(folder, metadata, recipe, calibration, digest)


def shipped_packages() -> dict[str, Path]:
    """Folders of the packages that come with Sievert, by name."""
    shipped = Path(__file__).parent / "shipped"
    return {path.parent.name: path.parent for path in sorted(shipped.glob(f"*/{FILES}"))}


def digest_files(hashes: dict[str, str]) -> str:
    """SHA-256 in hex over names and hashes: lines `hash  name`, sorted by name, as `sha256sum` prints them.

    Args:
        hashes: SHA-256 in hex of each file, by its name in the package.
    """
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its name relative to it, the list itself left out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): hash_file(path) for path in files}
    return {name: value for name, value in hashes.items() if name != FILES}


def file_list(hashes: dict[str, str]) -> bytes:
    """The one way to write `files.json`, so that a changed byte in it is seen too."""
    return (json.dumps(hashes, indent=2, sort_keys=True) + "\n").encode()


def find_package(name_or_folder: str | Path) -> Path:
    """The folder of a package, unchecked; see `load_package`.

    Raises:
        ModelMissingError: There is none.
        ModelError: It is a pre-trained body.
    """
    shipped = shipped_packages()
    if str(name_or_folder) in shipped:
        return shipped[str(name_or_folder)]
    if (Path(name_or_folder) / BODY).is_file():
        raise ModelError(
            f"{Path(name_or_folder).name!r} is a pre-trained body, not a model: train from it with --init",
            remedy="`sievert train DATA --init FOLDER --out DIR` makes a model of it.",
        )
    if (Path(name_or_folder) / FILES).is_file():
        return Path(name_or_folder)
    near = difflib.get_close_matches(Path(name_or_folder).name, shipped, cutoff=0.4) or sorted(shipped)
    raise ModelMissingError(f"no model package {Path(name_or_folder).name!r}; there is {', '.join(near) or 'none'}")


def check_files(folder: Path, parts: tuple[str, ...] = PARTS) -> str:
    """Hold every file against the package's list; returns the package's digest.

    Args:
        folder: Of the package.
        parts: What it must hold.

    Raises:
        ModelError: A file is missing, was changed or is not listed.
    """
    try:
        found = hash_files(folder)
        listed = (folder / FILES).read_bytes()
        named = json.loads(listed)
    except (OSError, ValueError) as error:
        raise ModelError(f"the model package's {FILES} or a file in it cannot be read") from error
    if file_list(found) != listed:
        raise ModelError(f"the model package is not as it was made: {_differences(found, named)}")
    missing = sorted(set(parts) - set(found))
    if missing:
        raise ModelError(f"the model package lacks {', '.join(missing)}")
    return digest_files({**found, FILES: hashlib.sha256(listed).hexdigest()})


def _differences(found: dict[str, str], listed: object) -> str:
    named = listed if isinstance(listed, dict) else {}
    differing = sorted(name for name in {*found, *named} if found.get(name) != named.get(name))
    return ", ".join(differing) or FILES


def check_recipe(recipe: Recipe, metadata: Metadata) -> None:
    """Hold what the recipe gives against what the network reads.

    Raises:
        ModelError: They differ.
    """
    if recipe.output_shape != metadata.shape:
        raise ModelError("the model package's recipe does not give the size that its network reads")


def read_part(folder: Path, name: str, kind: type[_Record]) -> _Record:
    """Read one of a package's records.

    Raises:
        ModelError: It is missing or is no such record.
    """
    try:
        return kind.model_validate_json((folder / name).read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(f"the model package's {name} cannot be understood") from error
