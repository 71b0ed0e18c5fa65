"""Puts networks and the front on Ray Serve, and takes up packages that were replaced."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ray import serve
from ray.exceptions import RayError
from ray.serve import RunTarget
from ray.serve.exceptions import RayServeException
from ray.serve.schema import ApplicationStatus

from serve.hosting.front import FRONT_MOST, FrontReplica
from serve.hosting.lineup import FRONT, SHELF
from serve.hosting.replica import ModelReplica
from serve.hosting.shelf import ShelfTask, holding
from sievert.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ray.serve import Application

    from serve.hosting.front import FrontTask
    from serve.hosting.lineup import LineUp
    from serve.hosting.resident import ReplicaTask
    from serve.operations.process import WatchTask
    from sievert.settings import ServeSettings

QUIET: dict[str, Any] = {"enable_access_log": False, "log_level": "ERROR"}
"""What Ray Serve logs of itself: requests stand in our journal."""
_REPLACED_S, _LOOK_S = 120.0, 0.1
_COMING = (ApplicationStatus.NOT_STARTED, ApplicationStatus.DEPLOYING)
_UP_S, _DOWN_S, _HEALTH_S = 2, 60, 5
"""How long the load must have changed before replicas are added or taken away; how often each is looked at."""


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
        name=FRONT,
        num_replicas=1,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=FRONT_MOST,
        graceful_shutdown_timeout_s=task.settings.serve.drain_s,
        logging_config=QUIET,
    )
    return deployment.bind(task)


def deploy_model(task: ReplicaTask, *, most: int) -> None:
    """Put a model on Ray Serve, or its new version in place of the one that is there."""
    _replace(_model_target(task, most))


def deploy_shelf(task: ShelfTask, settings: ServeSettings, *, most: int) -> None:
    """Put the shelf on Ray Serve, or what lies on it now in place of what lay there."""
    _replace(_shelf_target(task, settings, most))


def _model_target(task: ReplicaTask, most: int) -> RunTarget:
    name = task.model.name
    return RunTarget(model_application(task, most=most), name=name, route_prefix=f"/v2/models/{name}")


def _shelf_target(task: ShelfTask, settings: ServeSettings, most: int) -> RunTarget:
    return RunTarget(shelf_application(task, settings, most=most), name=SHELF, route_prefix=None)


def _replace(target: RunTarget) -> None:
    """Not for ever: there may be no CPU for the new one while the old one is busy.

    Raises:
        ClusterError: It does not run in time; Ray Serve goes on trying, and what ran before answers meanwhile.
    """
    try:
        serve.run_many([target], wait_for_applications_running=False)
        end = time.monotonic() + _REPLACED_S
        while (state := serve.status().applications[target.name].status) in _COMING and time.monotonic() < end:
            time.sleep(_LOOK_S)
    except (RayError, RayServeException, RuntimeError) as error:
        raise ClusterError("Ray Serve could not be told of the new version") from error
    if state != ApplicationStatus.RUNNING:
        raise ClusterError(f"the new version of `{target.name}` does not run yet: {state.value.lower()}")


def deploy_all(line: LineUp, front: FrontTask, *, most: int) -> None:
    """Put all that is served on Ray Serve, at once: each starts while the others do.

    Args:
        line: The models.
        front: What the front is told.
        most: Replicas of a model at most.
    """
    targets = [_model_target(task, most) for task in line.own]
    if line.shelf:
        targets.append(_shelf_target(ShelfTask(line.shelf, front.watch), front.settings.serve, most))
    targets.append(RunTarget(front_application(front), name=FRONT, route_prefix="/"))
    serve.run_many(targets)[-1].open_ports.remote().result()


def tell_front(line: LineUp) -> None:
    """Let the front know of what is served now."""
    serve.get_app_handle(FRONT).take_up.remote(line.models, line.shelved).result()


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
        if found.shelf != before.shelf:  # also where nothing is left on it: whoever asks is told so
            deploy_shelf(ShelfTask(found.shelf, self.watch), self.settings, most=self.most)
        if found != before:
            tell_front(found)
        self.line = found
        return [task.model.name for task in (*own, *found.shelf) if task not in before.shelf]
