"""Opens a Ray session: a local one by default, or joins a cluster by its address."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sievert
from sievert.errors import ClusterError, SievertError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sievert.settings import ClusterSettings

OBJECT_STORE_BYTES = 256 << 20
"""Only numbers of shards and their counts travel through it."""
ANSWER_TIMEOUT_S = 5.0
"""How long a cluster's port may take to answer."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session.

    Attributes:
        cpus: Of all its nodes.
        node: Id of the node that this process is on.
        local: Whether this process started it.
    """

    cpus: int
    node: str
    local: bool


@contextlib.contextmanager
def open_session(settings: ClusterSettings) -> Iterator[Session]:
    """Open a session, or use the one that this process has open already, which stays open.

    Args:
        settings: Its address and nothing else is looked at.

    Raises:
        ClusterError: Ray cannot be started or joined, or failed; an error of ours from a worker comes as itself.
    """
    # Ray prints what its daemons report on stdout, which belongs to the answer of a command
    with _translated(), Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        import ray

        mine = not ray.is_initialized()
        if mine:
            _init(settings.address)
        try:
            node = ray.get_runtime_context().get_node_id()
            yield Session(int(ray.cluster_resources().get("CPU", 1)), node, settings.address is None)
        finally:
            if mine:
                ray.shutdown()


def _init(address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would call home
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's C++ side writes to this process's stderr past every Python logger; stderr is for our reader
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    _require_answer(address)
    if not address:  # one node, which nobody takes away: a process less for each training
        os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
    local = {} if address else {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    # Ray puts the driver's current directory first on its workers' import path. There it must find our rooms, not a
    # user's `models/`: so the current directory is, while Ray looks, where ours lie.
    with contextlib.chdir(Path(sievert.__file__).parent.parent), _hushed():
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=True,
            **local,
        )


def _require_answer(address: str | None) -> None:
    """Ask the port first: Ray itself would wait for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), ANSWER_TIMEOUT_S).close()
    except OSError as error:
        raise ClusterError(f"no Ray cluster answers at {address} ({error.strerror or 'no answer'})") from error


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep this process's stderr from Ray's C++ side, which says there that it was told to say nothing."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SievertError:
        raise
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except ConnectionError as error:
        raise ClusterError(
            "the Ray cluster could not be joined",
            remedy="On a node of the cluster, give the address that `ray start` printed, or `auto`.",
        ) from error
    except Exception as error:
        ours = find_ours(error)
        if ours is not None:
            raise ours from error
        raise ClusterError(f"the Ray session failed ({type(error).__name__})") from error


def find_ours(error: BaseException) -> SievertError | None:
    """The error of ours that Ray wrapped, if there is one in the chain of causes."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, SievertError):
            return one
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            waiting += [getattr(one, "cause", None), one.__cause__, one.__context__]
    return None
