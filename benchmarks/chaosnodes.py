"""Ray nodes of one CPU on this machine that can be killed as machines are: all of their processes, at once."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from load import free_port
from nodes import STORE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_JOURNAL = re.compile(r"shard-\d+\.at")


@dataclass(frozen=True)
class Machine:
    """A node: everything that runs on it.

    Attributes:
        roots: Processes that its others descend from.
        link: Of its cable, where it has one of its own.
    """

    roots: tuple[int, ...]
    link: str = ""

    def processes(self) -> list[psutil.Process]:
        """All of them."""
        found: dict[int, psutil.Process] = {}
        for root in self.roots:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(root)
                found |= {one.pid: one for one in (process, *process.children(recursive=True))}
        return list(found.values())

    def in_flight(self) -> set[str]:
        """Shards that it works on: the journals that its processes have open."""
        return {name for process in self.processes() for name in _journals(process)}

    def signal(self, number: int) -> None:
        """To every process."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)


@dataclass
class Nodes:
    """A cluster: a head that computes nothing and nodes that do.

    Attributes:
        address: Of the head.
        head: Its processes.
        alive: Nodes that nobody has killed or cut off.
        later: The head's memory, once it was started again.
    """

    address: str
    head: Machine
    alive: list[Machine] = field(default_factory=list)
    later: subprocess.Popen[bytes] | None = None

    def kill(self, node: Machine) -> None:
        """As if its power were cut."""
        node.signal(signal.SIGKILL)
        self.alive.remove(node)

    def restart_memory(self) -> None:
        """Kill what the head keeps the cluster's state in, and start it again: it finds all in Redis."""
        server = next(one for one in self.head.processes() if one.name() == "gcs_server")
        command, environment = server.cmdline(), server.environ()
        server.kill()
        time.sleep(1)
        self.later = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _journals(process: psutil.Process) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = link.readlink()
                if _JOURNAL.fullmatch(target.name):
                    yield target.name


@contextlib.contextmanager
def open_nodes(count: int, folder: Path) -> Iterator[Nodes]:
    """Start a cluster whose head keeps its state in Redis, and end all of it.

    Args:
        count: Nodes beside the head.
        folder: For Redis.
    """
    with prepared(folder):
        from ray.cluster_utils import Cluster

        node = {"object_store_memory": STORE_BYTES}
        head = {**node, "num_cpus": 0, "include_dashboard": False, "gcs_server_port": free_port()}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        nodes = Nodes(str(cluster.address), _machine(cluster.head_node))
        try:
            nodes.alive = [_machine(cluster.add_node(num_cpus=1, **node)) for _ in range(count)]
            cluster.wait_for_nodes()
            yield nodes
        finally:
            end(nodes)


def _machine(node: Any) -> Machine:  # noqa: ANN401 - Ray's
    return Machine(tuple(one.process.pid for kind in node.all_processes.values() for one in kind))


def end(nodes: Nodes) -> None:
    """By our own hands: Ray's shutdown waits for nodes that are dead."""
    from ray._common.utils import reset_ray_address
    from ray._private.services import find_gcs_addresses

    for process in [one for node in (*nodes.alive, nodes.head) for one in node.processes()]:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGCONT)
            process.kill()
    if nodes.later is not None:
        nodes.later.kill()
        nodes.later.wait()
    reset_ray_address()
    find_gcs_addresses.cache_clear()


@contextlib.contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """Let Ray's head keep its state in Redis, and its workers share the cores with everything else as equals."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_worker_niceness": "0"}
    with _redis(folder) as redis:
        os.environ["RAY_REDIS_ADDRESS"] = redis
        try:
            yield
        finally:
            os.environ.pop("RAY_REDIS_ADDRESS", None)


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("redis-server is absent: `make services` installs it")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
