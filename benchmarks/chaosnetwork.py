"""Ray nodes of one CPU with a network of their own each, so that a cable can be pulled: needs root and `ip`."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chaosnodes import Machine, Nodes, end, prepared
from load import free_port
from nodes import STORE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

SWITCH, NET = "svchaos", "10.213.7"
START_S = 90
_ALIVE = 0
"""State of a node in Ray's table (GcsNodeInfo.GcsNodeState)."""


@contextlib.contextmanager
def open_apart(count: int, folder: Path) -> Iterator[Nodes]:
    """Start a cluster of which every node has an address and a cable of its own, and end all of it.

    Args:
        count: Nodes beside the head.
        folder: For Redis.
    """
    with _network(count), prepared(folder):
        address = f"{NET}.1:{free_port()}"
        head = ("--head", "--port", address.rpartition(":")[2], "--include-dashboard", "false", "--num-cpus", "0")
        nodes = Nodes(address, _start([], *head, ip=f"{NET}.1", link=SWITCH))
        try:
            _wait(address, 1)
            for number in range(count):
                inside = ["ip", "netns", "exec", _space(number)]
                options = ("--address", address, "--num-cpus", "1")
                nodes.alive.append(_start(inside, *options, ip=f"{NET}.{number + 2}", link=_cable(number)))
                _wait(address, number + 2)  # two at once would take each other's sockets: they share a disk
            yield nodes
        finally:
            end(nodes)


def can_open_apart() -> bool:
    """Whether this machine lets us make networks."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def pull(node: Machine) -> None:
    """Pull a node's cable."""
    _ip("link", "set", node.link, "down")


def plug(node: Machine) -> None:
    """Put it back."""
    _ip("link", "set", node.link, "up")


@contextlib.contextmanager
def _network(count: int) -> Iterator[None]:
    _unplug(count)
    try:
        _ip("link", "add", SWITCH, "type", "bridge")
        _ip("address", "add", f"{NET}.1/24", "dev", SWITCH)
        _ip("link", "set", SWITCH, "up")
        for number in range(count):
            _add_space(number)
        yield
    finally:
        _unplug(count)


def _add_space(number: int) -> None:
    space, cable = _space(number), _cable(number)
    _ip("netns", "add", space)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
    _ip("link", "set", cable, "master", SWITCH, "up")
    _ip("-n", space, "address", "add", f"{NET}.{number + 2}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        _ip("-n", space, "link", "set", device, "up")


def _unplug(count: int) -> None:
    for number in range(count):
        subprocess.run(["ip", "netns", "delete", _space(number)], capture_output=True, check=False)
    subprocess.run(["ip", "link", "delete", SWITCH], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"no networks of our own can be made here: {done.stderr.strip()} (it needs root)")


def _space(number: int) -> str:
    return f"{SWITCH}-{number}"


def _cable(number: int) -> str:
    return f"{SWITCH}{number}"


def _start(inside: list[str], *options: str, ip: str, link: str) -> Machine:
    ray = Path(sys.executable).with_name("ray")
    common = ("--block", "--node-ip-address", ip, "--object-store-memory", str(STORE_BYTES), "--disable-usage-stats")
    command = [*inside, str(ray), "start", *options, *common]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}  # the switch leads nowhere else
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Machine((process.pid,), link)


def _wait(address: str, count: int) -> None:
    """Until so many nodes are there, the head among them."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined] # it is compiled, and has no stubs

    end_at = time.monotonic() + START_S
    while time.monotonic() < end_at:
        with contextlib.suppress(Exception):  # what it raises while the head starts is not told anywhere
            found = GcsClient(address=address).get_all_node_info(timeout=2).values()
            if sum(node.state == _ALIVE for node in found) >= count:
                return
        time.sleep(0.5)
    raise SystemExit(f"node {count} did not start")
