"""Puts networks and the front on Ray Serve, and takes up packages that were replaced."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import serve

from models.package import load_package
from pipelines.flows.online.starting import make_online_task
from serve.api.backend import MODEL_NAME, describe_model
from serve.hosting.front import DEPLOYMENT, FRONT_MOST, FrontReplica
from serve.hosting.replica import ModelReplica
from serve.hosting.resident import ReplicaTask
from serve.hosting.shelf import SHELF, ShelfTask, holding
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ray.serve import Application

    from serve.api.backend import ServedModel
    from serve.hosting.front import FrontTask
    from serve.operations.process import WatchTask
    from sievert.settings import ServeSettings, Settings

QUIET: dict[str, Any] = {"enable_access_log": False, "log_level": "ERROR"}
"""What Ray Serve logs of itself: requests stand in our journal."""
_LONGEST_NAME = 100
_UP_S, _DOWN_S, _HEALTH_S = 2, 60, 5
"""How long the load must have changed before replicas are added or taken away; how often each is looked at."""


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
    task = make_online_task(model, online, settings, makes_keys=makes_keys)
    package = load_package(task.model)
    name = Path(str(model)).name
    served = describe_model(name, package, threshold=task.rule.threshold, min_confidence=task.rule.min_confidence)
    return ReplicaTask(served, task, settings.serve, watch)


def model_application(task: ReplicaTask, *, most: int) -> Application:
    """A model as an application of Ray Serve, for `/v2/models/NAME`.

    Args:
        task: What its replicas are told.
        most: How many there may be.
    """
    scaled = _scaled(task.settings, passes=task.online.passes, most=most)
    return serve.deployment(serve.ingress()(ModelReplica), name=task.model.name, **scaled).bind(task)


def shelf_application(task: ShelfTask, settings: ServeSettings, *, most: int) -> Application:
    """The models of the shelf as one application of Ray Serve, without an address of its own.

    Args:
        task: What its replicas are told.
        settings: How the service answers.
        most: How many replicas there may be.
    """
    scaled = _scaled(settings, passes=settings.passes or 1, most=most)
    return serve.deployment(holding(settings.shelf_open), name=SHELF, **scaled).bind(task)


def _scaled(settings: ServeSettings, *, passes: int, most: int) -> dict[str, Any]:
    return {
        "ray_actor_options": {"num_cpus": passes, "num_gpus": settings.num_gpus},
        "max_ongoing_requests": settings.max_ongoing,
        "max_queued_requests": settings.max_queued,
        "autoscaling_config": {
            "min_replicas": min(settings.min_replicas, most),
            "max_replicas": most,
            "target_ongoing_requests": settings.target_ongoing,
            "upscale_delay_s": _UP_S,
            "downscale_delay_s": _DOWN_S,
        },
        "graceful_shutdown_timeout_s": settings.drain_s,
        "logging_config": QUIET,
        "health_check_period_s": _HEALTH_S,
    }


def front_application(task: FrontTask) -> Application:
    """The front as an application of Ray Serve, for `/`."""
    deployment = serve.deployment(
        serve.ingress()(FrontReplica),
        name=DEPLOYMENT,
        num_replicas=1,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=FRONT_MOST,
        graceful_shutdown_timeout_s=task.settings.serve.drain_s,
        logging_config=QUIET,
    )
    return deployment.bind(task)


def deploy_model(task: ReplicaTask, *, most: int) -> None:
    """Put a model on Ray Serve, or its new version in place of the one that is there."""
    serve.run(model_application(task, most=most), name=task.model.name, route_prefix=f"/v2/models/{task.model.name}")


def deploy_shelf(task: ShelfTask, settings: ServeSettings, *, most: int) -> None:
    """Put the shelf on Ray Serve, or what lies on it now in place of what lay there."""
    serve.run(shelf_application(task, settings, most=most), name=SHELF, route_prefix=None)


def deploy_front(task: FrontTask) -> None:
    """Put the front on Ray Serve."""
    handle = serve.run(front_application(task), name=DEPLOYMENT, route_prefix="/")
    handle.open_ports.remote().result()


def tell_front(line: LineUp) -> None:
    """Let the front know of what is served now."""
    serve.get_app_handle(DEPLOYMENT).take_up.remote(line.models, line.shelved).result()


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
    return checked(LineUp(own, shelf), settings.serve.weights)


def checked(line: LineUp, weights: Mapping[str, float]) -> LineUp:
    """It, if its models can be told apart and addressed.

    Raises:
        ConfigError: They cannot, or a weight names none of them.
    """
    names = [model.name for model in line.models]
    if wrong := [name for name in names if not re.fullmatch(MODEL_NAME, name) or len(name) > _LONGEST_NAME]:
        told = "letters, digits, dots, dashes and underscores, at most 100"
        raise ConfigError(f"a model's name becomes part of an address: {wrong[0]!r} cannot", remedy=f"Use {told}.")
    if len(set(names)) != len(names):
        raise ConfigError("two models have the same name", remedy="Rename the folder of one of them.")
    if strange := sorted(set(weights) - set(names)):
        raise ConfigError(f"serve.weights names a model that is not served: {strange[0]}")
    if taken := sorted({DEPLOYMENT, SHELF} & set(names)):
        raise ConfigError(f"a model cannot be served under the name {taken[0]}", remedy="Rename its folder.")
    return line


def find_packages(shelf: Path) -> list[Path]:
    """The folders on a shelf, by name; hidden ones are none.

    Raises:
        ConfigError: There is no such folder.
    """
    if not shelf.is_dir():
        raise ConfigError("the shelf is no folder", remedy="Name the folder that the packages lie in: `serve.shelf`.")
    return sorted(one for one in shelf.iterdir() if one.is_dir() and not one.name.startswith("."))


@dataclass
class Fresh:
    """Takes up packages that lie in place of those that are served, and what was put on the shelf.

    Attributes:
        line: What is served.
        find: Finds out what it would be now.
        settings: How the service answers.
        watch: How the processes are watched.
        most: Replicas of a model at most.
    """

    line: LineUp
    find: Callable[[], LineUp]
    settings: ServeSettings
    watch: WatchTask
    most: int

    def __call__(self) -> list[str]:
        """Deploy what has changed; Ray Serve puts new replicas in place of old ones, which answer what they have.

        Returns:
            Names of the models that have changed, or are new.

        Raises:
            ModelError: A package cannot be used: what was served goes on.
            ConfigError: There is no shelf any more, or its models cannot be told apart.
        """
        before, found = self.line, self.find()
        own = [task for task in found.own if task not in before.own]
        for task in own:
            deploy_model(task, most=self.most)
        if found.shelf != before.shelf:
            deploy_shelf(ShelfTask(found.shelf, self.watch), self.settings, most=self.most)
        if found != before:
            tell_front(found)
        self.line = found
        return [task.model.name for task in (*own, *found.shelf) if task not in before.shelf]
