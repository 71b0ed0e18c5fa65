"""Ray clusters of single-CPU nodes on this machine: each node has its own daemon, as machines would."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE_BYTES = 80 << 20


@contextlib.contextmanager
def open_nodes(count: int) -> Iterator[str]:
    """Start a cluster, give its address, and stop it.

    Args:
        count: Nodes of one CPU, the head among them.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_worker_niceness", "0")  # else workers wait for whatever else runs on this machine
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(count - 1):
            cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield cluster.address
    finally:
        cluster.shutdown()
