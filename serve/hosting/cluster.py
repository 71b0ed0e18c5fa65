"""Applications for a Ray cluster that is run by others, such as KubeRay's RayService: one import path for all of them.

A Serve configuration names `serve.hosting.cluster:build` once for each model (`/v2/models/NAME`), once for the front
(`/`), once for the roller and, where there is one, once for the shelf (both without a route). Settings come from the
file that `SIEVERT_CONFIG` names on each node; the ledger's secrets are read by the roller alone, in its own process, on
a node that offers the resource `signer`.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from ray import serve

from serve.access.apikeys import ApiKeys
from serve.access.runs import Runs
from serve.access.statefolder import open_state
from serve.hosting.deploying import front_application, model_application, shelf_application
from serve.hosting.front import FrontTask
from serve.hosting.lineup import LineUp, checked, replica_task
from serve.hosting.running import make_roller, make_teller, online_folder
from serve.hosting.shelf import ShelfTask
from serve.operations.process import watch_task
from serve.operations.tracing import open_tracing
from sievert.errors import ConfigError
from sievert.settings import load_settings

if TYPE_CHECKING:
    from ray.serve import Application

    from sievert.settings import Settings

SIGNER = "signer"
"""Resource that only nodes with the signer's secrets offer."""
_MOST = 8


class ServeArguments(BaseModel):
    """Arguments of an application in a Serve configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    app: Literal["model", "front", "roller", "shelf"]
    models: Annotated[tuple[str, ...], Field(min_length=1)] = ("default",)
    shelf: tuple[str, ...] = ()
    results: str = "sievert-results"


def build(arguments: ServeArguments) -> Application:
    """An application, for Ray Serve.

    Args:
        arguments: Which; `model` has one model, `front` names those of the shelf beside the others.

    Raises:
        ConfigError: The arguments or settings cannot be.
        ModelError: A package cannot be used.
    """
    settings = load_settings().settings
    results = Path(arguments.results).absolute()
    if arguments.app == "roller":
        return _roller(results)
    online, watch = online_folder(results), watch_task(settings, _node_folder(), environment=os.environ)
    own, shelf = (
        tuple(replica_task(model, online, settings, watch, makes_keys=False) for model in some)
        for some in (arguments.models, arguments.shelf)
    )
    most = settings.serve.max_replicas or _MOST
    if arguments.app == "front":
        _require_sign_in(settings)
        line = checked(LineUp(own, shelf), settings.serve)
        return front_application(FrontTask(line.models, settings, results, online, watch, _proxy_port(), line.shelved))
    if arguments.app == "shelf":
        return shelf_application(ShelfTask(own, watch), settings.serve, most=most)
    if len(own) != 1:
        raise ConfigError("an application of kind `model` serves one model")
    return model_application(own[0], most=most)


def _node_folder() -> Path:
    """On each node its own: the account's alone, and none that outlives the node's disk."""
    return Path(gettempdir()) / f"sievert-{os.getuid()}"


def _proxy_port() -> int | None:
    """Where the HAProxy beside the front tells its metrics, if Ray Serve was started with one."""
    port = os.environ.get("RAY_SERVE_HAPROXY_METRICS_PORT", "")
    return int(port) if port.isdigit() else None


def _require_sign_in(settings: Settings) -> None:
    """No terminal shows a one-time token here."""
    folder = open_state(settings.serve.state.absolute())
    if settings.serve.oidc.issuer is None and not ApiKeys(folder).any_holds():
        raise ConfigError(
            "nobody could sign in: there is neither an OpenID provider nor an API key",
            remedy="Set serve.oidc.issuer, or add a key with `sievert serve key add`.",
        )
    Runs(folder).begin(one_time=False)


class RollerReplica:
    """Closes and anchors rolling jobs and tells of them.

    It alone reads the signer's and the channels' secrets, from its own node's environment.

    Args:
        results: Folder of the results.
    """

    def __init__(self, results: Path) -> None:
        settings = load_settings().settings
        watch = watch_task(settings, _node_folder(), environment=os.environ)
        self._tracing = open_tracing(watch.settings, "roller")
        self._roller = make_roller(online_folder(results), settings, self._tracing)
        self._teller = make_teller(online_folder(results), settings)
        self._roller.start()
        if self._teller is not None:
            self._teller.start()

    def check_health(self) -> None:
        """Ray Serve starts another one where this raises."""
        if not self._roller.is_alive:
            raise RuntimeError("the roller has stopped")

    def __del__(self) -> None:
        """Ray Serve calls it at the end."""
        self._roller.stop(wait_s=0)
        if self._teller is not None:
            self._teller.stop()
        self._tracing.stop()


def _roller(results: Path) -> Application:
    deployment = serve.deployment(
        RollerReplica, name="roller", num_replicas=1, ray_actor_options={"num_cpus": 0, "resources": {SIGNER: 0.01}}
    )
    return deployment.bind(results)
