"""The short version of benchmarks/chaos.py: a machine of a cluster loses its power in the middle of a screening."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.timeout(280)
def test_a_node_that_loses_its_power_loses_and_doubles_no_image_and_costs_its_own_shards_only() -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is absent: `make services` installs it")
    command = [sys.executable, "benchmarks/chaos.py", "--faults", "node", "--images", "800", "--nodes", "2", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout.splitlines()[-1])
    assert (row["strikes"], row["images"], row["lost"], row["doubled"]) == (1, 800, 0, 0)
    assert row["elsewhere"] == 0
