"""`sievert jobs`: what was submitted to a cluster, and what becomes of it."""

from __future__ import annotations

import shlex

import typer

from sievert.cli import console
from sievert.cli.clusteroptions import (
    ClusterName,
    DashboardAddress,
    JobName,
    Namespace,
    Printed,
    described,
    end_with,
    follow,
    way_to,
)
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile

app = typer.Typer(no_args_is_help=True, help="Jobs that were submitted to a cluster.")


@app.command("list")
def list_(
    *,
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List the jobs that Sievert submitted to a cluster, oldest first."""
    found = way_to(cluster, address, namespace, config).jobs()
    if as_json:
        console.print_json([described(job) for job in found])
        return
    for job in found:
        code = "" if job.exit_code is None else f" ({job.exit_code})"
        line = f"{job.name}  {job.state.value}{code}  {job.began}  {shlex.join(job.command)}"
        console.stdout().print(console.plain(line))


@app.command()
def show(
    *,
    job: JobName,
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Show how a job stands, and why it waits."""
    from cluster.submission.nouns import State

    way = way_to(cluster, address, namespace, config)
    found = way.job(job)
    trouble = way.trouble(job) if found.state is State.WAITING else None
    told = {**described(found), "waits_for": trouble.error.message if trouble else None}
    if as_json:
        console.print_json(told)
        return
    for key, value in told.items():
        if value not in (None, "", []):
            shown = shlex.join(value) if isinstance(value, list) else value
            console.stdout().print(f"{key:>10}  {console.plain(shown)}")


@app.command()
def logs(
    *,
    job: JobName,
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    config: ConfigFile = None,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Print what a job has printed so far; `watch` stays."""
    way, told = way_to(cluster, address, namespace, config), Printed()
    way.job(job)
    for piece in way.log(job):
        told.log(piece)


@app.command()
def stop(
    *,
    job: JobName,
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Stop a job; what it stored stays valid, and the same `sievert submit` goes on from there."""
    way = way_to(cluster, address, namespace, config)
    ended = way.job(job).state.ended
    if not ended:
        way.stop(job)
    if as_json:
        console.print_json({"job": job, "stopped": not ended})
    else:
        Printed().says(f"{job}: {'had ended already' if ended else 'stopped; the same submit goes on from there'}")


@app.command()
def wait(
    *,
    job: JobName,
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Wait for a job's end in silence, and end with its exit code."""
    from cluster.submission.following import Follower

    ended = Follower(way_to(cluster, address, namespace, config), job, Printed(), silent=True).follow()
    if as_json:
        console.print_json(described(ended))
    end_with(ended)


@app.command()
def watch(
    *,
    job: JobName,
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Show a job's log from its beginning until it has ended, and end with its exit code."""
    ended = follow(way_to(cluster, address, namespace, config), job)
    if as_json:
        console.print_json(described(ended))
    end_with(ended)
