"""What a service serves: models with replicas of their own, and those of the shelf."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.package import load_package
from pipelines.flows.online.starting import online_task
from pipelines.results.disk import write_whole
from serve.api.backend import MODEL_NAME, ServedModel, describe_model
from serve.hosting.resident import ReplicaTask
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serve.operations.process import WatchTask
    from sievert.settings import ServeSettings, Settings

FRONT, SHELF, ROLLER = "front", "shelf", "roller"
"""Applications beside those of single models."""
_TAKEN = {FRONT, SHELF, ROLLER}
_LONGEST_NAME = 100
_SERVED = "served.json"


def replica_task(
    model: str | Path, online: Path, settings: Settings, watch: WatchTask, *, makes_keys: bool = True
) -> ReplicaTask:
    """What a model's replicas are told.

    Args:
        model: Name or folder of a package; the folder's name is the model's.
        online: Folder of the rolling jobs.
        settings: The tree.
        watch: How the processes are watched.
        makes_keys: Whether a key store is made where there is none.

    Raises:
        ModelError: The package cannot be used.
    """
    package = load_package(model)
    task = online_task(package, online, settings, makes_keys=makes_keys)
    name = Path(str(model)).name
    served = describe_model(name, package, threshold=task.rule.threshold, min_confidence=task.rule.min_confidence)
    return ReplicaTask(served, task, settings.serve, watch)


@dataclass(frozen=True, slots=True)
class LineUp:
    """What is served.

    Attributes:
        own: Models with replicas of their own.
        shelf: Models that share some.
    """

    own: tuple[ReplicaTask, ...]
    shelf: tuple[ReplicaTask, ...]

    @property
    def models(self) -> tuple[ServedModel, ...]:
        """All of them, as clients see them."""
        return tuple(task.model for task in (*self.own, *self.shelf))

    @property
    def shelved(self) -> frozenset[str]:
        """Names of the models of the shelf."""
        return frozenset(task.model.name for task in self.shelf)


def line_up(models: Sequence[str | Path], online: Path, settings: Settings, watch: WatchTask) -> LineUp:
    """What a service is to serve: the models that are named, and the packages that lie on the shelf.

    Args:
        models: Names or folders.
        online: Folder of the rolling jobs.
        settings: The tree.
        watch: How the processes are watched.

    Raises:
        ModelError: A package cannot be used.
        ConfigError: There is no such shelf; or see `checked`.
    """
    on_shelf = find_packages(settings.serve.shelf) if settings.serve.shelf else []
    own, shelf = (tuple(replica_task(model, online, settings, watch) for model in some) for some in (models, on_shelf))
    return checked(LineUp(own, shelf), settings.serve)


def checked(line: LineUp, settings: ServeSettings) -> LineUp:
    """It, if its models can be told apart and addressed.

    Raises:
        ConfigError: They cannot, or a setting names none of them.
    """
    names = [model.name for model in line.models]
    if wrong := [name for name in names if not re.fullmatch(MODEL_NAME, name) or len(name) > _LONGEST_NAME]:
        told = "letters, digits, dots, dashes and underscores, at most 100"
        raise ConfigError(f"a model's name becomes part of an address: {wrong[0]!r} cannot", remedy=f"Use {told}.")
    if len(set(names)) != len(names):
        raise ConfigError("two models have the same name", remedy="Rename the folder of one of them.")
    listened = {settings.dicom.model} if settings.dicom.port and settings.dicom.model else set()
    wanted = {"serve.weights": set(settings.weights), "serve.dicom.model": listened}
    for setting, named in wanted.items():
        if strange := sorted(named - set(names)):
            raise ConfigError(f"{setting} names a model that is not served: {strange[0]}")
    if taken := sorted(_TAKEN & set(names)):
        raise ConfigError(f"a model cannot be served under the name {taken[0]}", remedy="Rename its folder.")
    return line


def find_packages(shelf: Path) -> list[Path]:
    """The folders on a shelf, by name; hidden ones are none.

    Raises:
        ConfigError: There is no such folder.
    """
    if not shelf.is_dir():
        raise ConfigError("the shelf is no folder", remedy="Name the folder that the packages lie in: `serve.shelf`.")
    # absolute: a bare name might be taken for one of the packages that ship
    return sorted(one for one in shelf.absolute().iterdir() if one.is_dir() and not one.name.startswith("."))


def note_served(folder: Path, models: Sequence[ServedModel], shelved: frozenset[str]) -> None:
    """Have a front that is started anew know what is served by now.

    Args:
        folder: Of the run, on the front's machine.
        models: What is served.
        shelved: Names of those on the shelf.

    Raises:
        StorageError: And its kinds.
    """
    told = json.dumps({"models": [asdict(one) for one in models], "shelved": sorted(shelved)})
    write_whole(folder / _SERVED, told.encode(), drafts=folder, mode=0o600)


def served_by_now(folder: Path) -> tuple[tuple[ServedModel, ...], frozenset[str]] | None:
    """What was noted last; None where the service serves what it was started with."""
    try:
        told = json.loads((folder / _SERVED).read_text("utf-8"))
    except FileNotFoundError:
        return None
    tuples = ("labels", "shape", "modalities", "body_parts")
    models = tuple(ServedModel(**{**one, **{name: tuple(one[name]) for name in tuples}}) for one in told["models"])
    return models, frozenset(told["shelved"])
