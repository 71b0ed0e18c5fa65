"""Options of the commands that talk to a cluster, and how a job's words are shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console

if TYPE_CHECKING:
    from cluster.submission.nouns import Job, Way

ClusterName = Annotated[
    str | None,
    typer.Option("--cluster", help="Profile of the settings (default: the only one).", metavar="PROFILE"),
]
DashboardAddress = Annotated[
    str | None, typer.Option("--address", help="Dashboard of a running Ray cluster.", metavar="URL")
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", help="Kubernetes: another than the profile's.", metavar="NAME")
]
JobName = Annotated[str, typer.Argument(help="As `sievert jobs list` shows it.", metavar="JOB")]


class Printed:
    """A job's log on stdout, or on stderr where stdout is for machines; our own lines on stderr."""

    def __init__(self) -> None:
        self._where = sys.stderr if console.MODE.json else sys.stdout

    def log(self, text: str) -> None:
        """As it comes."""
        self._where.write(text)
        self._where.flush()

    def says(self, line: str) -> None:
        """On a line of its own."""
        console.stderr().print(console.plain(line))


def way_to(
    cluster: str | None, address: str | None, namespace: str | None, config: Path | None, *, ship: bool = False
) -> Way:
    """The way that options and settings mean; `ship`: this machine's Sievert goes along."""
    from cluster.submission.choosing import choose_profile, open_way
    from sievert.settings import load_settings

    profiles = load_settings(config=config).settings.clusters
    return open_way(choose_profile(profiles, cluster, address=address, namespace=namespace), ship=ship)


def described(job: Job) -> dict[str, Any]:
    """What a machine is told of a job."""
    return {
        "job": job.name,
        "command": list(job.command),
        "state": job.state.value,
        "exit_code": job.exit_code,
        "message": job.message,
        "began": job.began,
    }


def follow(way: Way, name: str) -> Job:
    """Show a job until it has ended; Ctrl-C leaves it alone."""
    from cluster.submission.following import Follower

    try:
        return Follower(way, name, Printed()).follow()
    except KeyboardInterrupt:
        console.stderr().print(f"{console.plain(name)} goes on; `sievert jobs watch {console.plain(name)}` shows it")
        raise


def end_with(job: Job) -> None:
    """Leave as the job left."""
    if job.exit_code:
        console.stderr().print(f"{console.plain(job.name)} ended with exit code {job.exit_code}")
        raise typer.Exit(job.exit_code)
