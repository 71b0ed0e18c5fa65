"""The Dockerfile, which cannot be built everywhere: what it names is there, what it makes is what the chart starts."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import ray
import yaml

from cluster.chart.values import Values
from tests.charts import CHART, ROOT, pods, render

TEXT = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
STEPS = [line for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", TEXT)).splitlines() if line.strip()]


def steps(name: str) -> list[str]:
    return [line.partition(" ")[2].strip() for line in STEPS if line.startswith(f"{name} ")]


def copied() -> list[str]:
    """What is taken from the checkout."""
    return [word for line in steps("COPY") if "--from" not in line for word in line.split()[:-1]]


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint is not there: `pip install -e '.[dev]'` brings it")
    done = subprocess.run(
        [program, "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_base_is_pinned_by_its_digest() -> None:
    arguments = dict(line.split("=", 1) for line in steps("ARG") if "=" in line)
    bases = [line.split()[0] for line in steps("FROM")]
    assert len(bases) == 3
    for base in bases:
        named = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], base)
        assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", named), named


def test_everything_that_is_copied_is_there_and_gets_past_dockerignore() -> None:
    told = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert told[0] == "*"
    let_in = {line[1:] for line in told if line.startswith("!")}
    assert copied()
    for name in copied():
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, pattern) for pattern in let_in), name
    assert let_in == set(copied())


def test_everything_that_the_wheel_is_made_of_is_copied() -> None:
    needed = {*PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"], PROJECT["project"]["readme"]}
    needed |= {"pyproject.toml", *PROJECT["project"]["license-files"]}
    assert needed == set(copied())


def test_the_extras_that_are_installed_are_extras_of_ours() -> None:
    (extras,) = re.findall(r"\$\{wheel\}\[([\w,]+)\]", TEXT)
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    assert "kubernetes" in extras


def test_every_package_of_debian_is_one() -> None:
    if shutil.which("apt-cache") is None or not Path("/var/lib/apt/lists").is_dir():
        pytest.skip("apt-cache is not there: what Debian has is not known")
    (names,) = re.findall(r"apt-get install --yes --no-install-recommends ([\w \-]+?)\s+&&", " ".join(STEPS))
    told = subprocess.run(["apt-cache", "policy", *names.split()], capture_output=True, text=True, check=True).stdout
    if "Candidate: (none)" in told or not told:
        pytest.skip("the lists of packages are empty: `apt-get update` fills them")
    assert {line.rstrip(":") for line in told.splitlines() if line and line[0] != " "} == set(names.split())


def test_it_runs_as_whom_the_chart_runs_it_and_never_as_root() -> None:
    security = Values().pod_security
    assert steps("USER") == [f"{security.user}:{security.group}"]
    assert f"useradd --uid {security.user}" in TEXT
    assert STEPS.index(f"USER {security.user}:{security.group}") > max(
        number for number, line in enumerate(STEPS) if line.startswith("RUN ")
    )


def test_no_gpu_is_opened_that_a_pod_did_not_ask_for() -> None:
    assert not any("NVIDIA_VISIBLE_DEVICES" in line for line in steps("ENV"))


def test_its_flavours_are_the_charts() -> None:
    flavours = set(re.findall(r"^\s+(\w+)\) indexes=", TEXT, re.MULTILINE))
    assert flavours == {"cpu", "cuda"} == {name for name in ("cpu", "cuda") if hasattr(Values().image, name)}
    assert "--build-arg FLAVOUR=$(FLAVOUR)" in (ROOT / "Makefile").read_text("utf-8")


def test_the_chart_the_project_and_ray_have_the_same_versions() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["appVersion"] == chart["version"] == PROJECT["project"]["version"]
    assert Values().ray_version == ray.__version__


def test_every_program_that_a_pod_starts_is_in_the_image() -> None:
    scripts = {*PROJECT["project"]["scripts"], "ray", "python", "sh"}
    commands = [
        container["command"] for pod in pods(render()) for container in pod.containers if "command" in container
    ]
    assert commands
    for command in commands:
        assert command[0] in scripts
        if command[1] == "-m":
            assert (ROOT / (command[2].replace(".", "/") + ".py")).exists()
