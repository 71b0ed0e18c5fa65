"""Puts networks and the front on Ray Serve, and takes up packages that were replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import serve

from models.package import load_package
from pipelines.flows.online.starting import make_online_task
from serve.api.backend import describe_model
from serve.hosting.front import DEPLOYMENT, FRONT_MOST, FrontReplica
from serve.hosting.replica import ModelReplica, ReplicaTask

if TYPE_CHECKING:
    from ray.serve import Application

    from serve.hosting.front import FrontTask
    from serve.operations.process import WatchTask
    from sievert.settings import Settings

QUIET: dict[str, Any] = {"enable_access_log": False, "log_level": "ERROR"}
"""What Ray Serve logs of itself: requests stand in our journal."""
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
    settings = task.settings
    deployment = serve.deployment(
        serve.ingress()(ModelReplica),
        name=task.model.name,
        ray_actor_options={"num_cpus": task.online.passes, "num_gpus": settings.num_gpus},
        max_ongoing_requests=settings.max_ongoing,
        max_queued_requests=settings.max_queued,
        autoscaling_config={
            "min_replicas": min(settings.min_replicas, most),
            "max_replicas": most,
            "target_ongoing_requests": settings.target_ongoing,
            "upscale_delay_s": _UP_S,
            "downscale_delay_s": _DOWN_S,
        },
        graceful_shutdown_timeout_s=settings.drain_s,
        logging_config=QUIET,
        health_check_period_s=_HEALTH_S,
    )
    return deployment.bind(task)


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


def deploy_front(task: FrontTask) -> None:
    """Put the front on Ray Serve."""
    handle = serve.run(front_application(task), name=DEPLOYMENT, route_prefix="/")
    handle.open_ports.remote().result()


def _front_handle() -> Any:  # noqa: ANN401 - Ray ships no types
    return serve.get_app_handle(DEPLOYMENT)


@dataclass
class Fresh:
    """Takes up packages that lie in place of those that are served.

    Attributes:
        tasks: What is served, by the model as it was named.
        online: Folder of the rolling jobs.
        settings: The tree.
        watch: How the processes are watched.
        most: Replicas of a model at most.
    """

    tasks: dict[str, ReplicaTask]
    online: Path
    settings: Settings
    watch: WatchTask
    most: int

    def __call__(self) -> list[str]:
        """Deploy what has changed; Ray Serve puts new replicas in place of old ones, which answer what they have.

        Raises:
            ModelError: A package cannot be used: what was served goes on.
        """
        found = {model: replica_task(model, self.online, self.settings, self.watch) for model in self.tasks}
        changed = [model for model, task in found.items() if task != self.tasks[model]]
        for model in changed:
            deploy_model(found[model], most=self.most)
        self.tasks = found
        if changed:
            served = tuple(task.model for task in found.values())
            _front_handle().take_up.remote(served).result()
        return [found[model].model.name for model in changed]
