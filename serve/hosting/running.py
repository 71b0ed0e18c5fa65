"""Starts the service on Ray Serve, keeps it, and ends it without losing what was answered."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cluster.session import open_session
from pipelines.flows.notifying import find_routes
from pipelines.flows.online.rolling import Roller
from pipelines.flows.online.telling import OnlineTeller, tell_nobody
from pipelines.results.keys.keyfiles import write_secret
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import open_ledger
from pipelines.results.outfolder import OutFolder
from serve.access.apikeys import ApiKeys
from serve.access.runs import Runs
from serve.access.statefolder import open_state
from serve.hosting.deploying import QUIET, Fresh, deploy_all
from serve.hosting.front import FrontTask
from serve.hosting.haproxy import BINARY_VARIABLE, write_launcher
from serve.hosting.lineup import line_up
from serve.hosting.sharing import require_cpus, with_passes
from serve.hosting.worklist import open_keys
from serve.operations.process import watch_task
from serve.operations.tracing import open_tracing
from sievert.errors import PortTakenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from serve.api.backend import ServedModel
    from serve.operations.tracing import Tracing
    from sievert.settings import Settings

_PORTS = (
    "RAY_SERVE_HAPROXY_METRICS_PORT",
    "RAY_SERVE_HAPROXY_STATS_PORT",
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT",
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT",
)
"""What else listens, on this machine only; fixed ones would keep a second service from starting."""
_DEREGISTER_S = 2
"""How long a replica that is stopped stays reachable, until HAProxy knows of it, in seconds."""
_CHECK_S = 2
"""How often HAProxy is looked for; after three times without it another is started: nobody is answered meanwhile."""
_CONTROL_S = 0.25
"""How often Ray Serve compares what runs with what should; its own 0.1 takes a twenty-fifth of a CPU for nothing."""
_GRACE_S = 5
"""How much longer Ray Serve waits than we do: its answer to a request that takes too long is no problem of ours."""
_CLIENT_S = 60
"""How long a client may be silent in the middle of a request, in seconds."""
ONLINE = "online"
"""Folder of the rolling jobs in a results folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers.

    Attributes:
        url: Where.
        models: What it serves.
        roller: Closes and anchors rolling jobs.
        reload: Takes up packages that were replaced, replica by replica; returns the names of those that were.
        token: For one sign-in of this run, where the site has no other way; for the terminal and nothing else.
    """

    url: str
    models: tuple[ServedModel, ...]
    roller: Roller
    token: str | None = field(default=None, repr=False)
    reload: Callable[[], list[str]] = field(default=list, repr=False)


@contextlib.contextmanager
def running_service(models: Sequence[str | Path], results: Path, settings: Settings) -> Iterator[Running]:
    """Start the service; it ends with the block.

    Args:
        models: Names or folders of model packages; the first is asked where a request names none.
        results: Folder of the results; rolling jobs lie in its `online`.
        settings: The tree.

    Raises:
        ModelError: A package cannot be used.
        PortTakenError: Something else listens there.
        ClusterError: Ray cannot be started or joined.
    """
    apps = len(models) + (settings.serve.shelf is not None)
    settings = with_passes(settings, apps)
    online = online_folder(results.absolute())
    with contextlib.ExitStack() as held:
        own = Path(held.enter_context(TemporaryDirectory(prefix="sievert-")))
        watch = watch_task(settings, own, environment=os.environ)
        find = partial(line_up, models, online, settings, watch)
        line = find()
        _require_port(settings)
        tracing = open_tracing(watch.settings, "roller")
        held.callback(tracing.stop)
        roller = make_roller(online, settings, tracing)
        teller = make_teller(online, settings)
        token = held.enter_context(_run(settings))
        _prepare_environment(settings, own)
        session = held.enter_context(open_session(settings.cluster))
        if teller is not None:
            held.callback(teller.stop)
        # once every replica is gone, what they held is closed and anchored: before Ray ends, which may take us along
        held.callback(roller.stop)
        held.callback(_stop)
        _start(settings)
        most = settings.serve.max_replicas or max(1, session.cpus // (settings.serve.passes or 1))
        require_cpus(settings, apps, session.cpus, most=most)
        port = int(os.environ[_PORTS[0]])
        front = FrontTask(line.models, settings, results.absolute(), online, watch, port, line.shelved, own)
        deploy_all(line, front, most=most)
        roller.start()
        if teller is not None:
            teller.start()
        fresh = Fresh(line, find, settings.serve, watch, most)
        yield Running(url_of(settings), line.models, roller, token, fresh)


@contextlib.contextmanager
def _run(settings: Settings) -> Iterator[str | None]:
    """The service's run, and its one-time token where the site has no other way to sign in."""
    folder = open_state(settings.serve.state.absolute())
    runs = Runs(folder)
    known = settings.serve.oidc.issuer is not None or ApiKeys(folder).any_holds()
    try:
        yield runs.begin(one_time=not known)
    finally:
        runs.end()


def online_folder(results: Path) -> Path:
    """Where rolling jobs lie: in the results folder, or beside it where it is itself an anchored job."""
    return results.with_name(f"{results.name}-{ONLINE}") if OutFolder(results).job.exists() else results / ONLINE


def make_roller(online: Path, settings: Settings, tracing: Tracing) -> Roller:
    """Who closes and anchors what the replicas answered."""
    keys = KeyStore(settings.store.keys.absolute(), actor=settings.audit.actor)

    def ledger(out: OutFolder) -> Any:  # noqa: ANN401 - the ledger's protocol
        return open_ledger(settings.ledger, file=settings.store.ledger.absolute(), outbox=out.outbox)

    return Roller(online, keys, ledger, done=tracing.after)


def make_teller(online: Path, settings: Settings) -> OnlineTeller | None:
    """Who tells of results whom the settings name; None where that is nobody.

    The channels' secrets are taken out of the environment, before Ray hands it on.

    Raises:
        ConfigError: A secret is missing.
        StorageError: And its kinds.
    """
    routes = find_routes(settings.notify)
    if not routes:
        tell_nobody(online)
        return None
    return OnlineTeller(online, open_keys(settings), settings.notify, routes)


def url_of(settings: Settings) -> str:
    """Where the service listens."""
    serve = settings.serve
    host = f"[{serve.host}]" if ":" in serve.host else serve.host
    return f"{'https' if serve.tls_cert else 'http'}://{host}:{serve.port}"


def _require_port(settings: Settings) -> None:
    """Ray would wait for half a minute, and say something else."""
    host, port = settings.serve.host, settings.serve.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise PortTakenError(f"port {port} of {host} cannot be listened on ({error.strerror})") from error


def _prepare_environment(settings: Settings, folder: Path) -> None:
    """Ray Serve reads these when its own processes start; all of it lies in a folder that is the user's alone."""
    options = settings.serve
    bundle = None
    if options.tls_cert and options.tls_key:
        bundle = folder / "bundle.pem"
        write_secret(bundle, options.tls_cert.read_bytes() + b"\n" + options.tls_key.read_bytes())
    os.environ.update(
        {
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            BINARY_VARIABLE: str(write_launcher(folder, bundle=bundle)),
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
            "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
            **{name: str(port) for name, port in zip(_PORTS, _free_ports(len(_PORTS)), strict=True)},
            "RAY_SERVE_HAPROXY_NBTHREAD": "1",
            "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": str(_CLIENT_S),
            "RAY_SERVE_HAPROXY_TIMEOUT_SERVER_S": str(int(options.timeout_s) + _CLIENT_S),
            "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": str(_DEREGISTER_S),
            "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",  # ours never blocks the loop, and a hop costs time
            "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
            "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": str(_CONTROL_S),
            "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": str(_CHECK_S),
            "RAY_SERVE_LOG_TO_STDERR": "0",
            "RAY_worker_niceness": "0",
        }
    )


def _free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    with contextlib.ExitStack() as held:
        tried = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in tried:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in tried]


def _start(settings: Settings) -> None:
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.CRITICAL)
    options = settings.serve
    serve.start(
        http_options={
            "host": options.host,
            "port": options.port,
            "request_timeout_s": options.timeout_s + _GRACE_S,
            "location": "HeadOnly",
        },
        logging_config=QUIET,
    )


def _stop() -> None:
    from ray import serve

    serve.shutdown()
