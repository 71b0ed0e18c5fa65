"""`sievert submit`: the same command line, on a cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from sievert.cli import console
from sievert.cli.clusteroptions import (
    ClusterName,
    DashboardAddress,
    Namespace,
    Printed,
    described,
    end_with,
    follow,
    way_to,
)
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile


def submit(
    *,
    arguments: Annotated[
        list[str], typer.Argument(help="After `--`: the command and its own arguments.", metavar="COMMAND...")
    ],
    cluster: ClusterName = None,
    address: DashboardAddress = None,
    namespace: Namespace = None,
    name: Annotated[
        str | None, typer.Option("--name", help="How the job's name begins (default: the command).")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until it has ended, and end as it did.")] = True,
    again: Annotated[bool, typer.Option("--again", help="Run it once more though it has succeeded.")] = False,
    ship: Annotated[
        bool, typer.Option("--ship", help="Send this Sievert along; without it the cluster must have the same version.")
    ] = False,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Run a command on a cluster: `sievert submit --cluster lab -- screen /images --out /results/x`.

    Paths are the cluster's. The same command twice is one job; after a failure, the same command goes on.
    """
    from cluster.submission.following import hand_over
    from cluster.submission.nouns import make_submission

    submission = make_submission(arguments, name)
    way = way_to(cluster, address, namespace, config, ship=ship)
    job, joined = hand_over(way, submission, again=again)
    Printed().says(f"{job.name}: {'there already, joined' if joined else 'submitted'}")
    ended = follow(way, job.name) if wait else job
    if as_json:
        console.print_json({**described(ended), "joined": joined})
    end_with(ended)
