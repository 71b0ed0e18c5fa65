"""`sievert plan`: what a screening will take, before anything runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, effective

if TYPE_CHECKING:
    from pipelines.flows.foresight import Foresight
    from pipelines.scale.estimate import Estimate


def plan(
    *,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, globs, manifests, archives, URLs.", metavar="INPUT...", show_default=False
        ),
    ],
    model: Annotated[str, typer.Option("--model", help="Name or folder of a model package.")] = "default",
    like: Annotated[
        list[Path] | None,
        typer.Option("--like", help="Calibrate by this finished job (default: try a sample).", metavar="OUT_DIR"),
    ] = None,
    sample: Annotated[int | None, typer.Option("--sample", help="Inputs to try (default: 64).", min=1)] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="Profile of a cluster (default: this machine).", metavar="PROFILE")
    ] = None,
    nodes: Annotated[int | None, typer.Option("--nodes", help="Nodes instead of the profile's.", min=1)] = None,
    price: Annotated[float | None, typer.Option("--price", help="Price of a node an hour.", min=0)] = None,
    images: Annotated[int | None, typer.Option("--images", help="Reckon as if the cohort had so many.", min=1)] = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Say what a screening will take: time, node-hours, money, memory, bytes; nothing of it runs or is kept.

    Costs come from finished jobs (--like), or from a sample of the cohort that is screened in a process aside.
    """
    from pipelines.flows.foresight import find_cluster, foresee

    settings = effective(config, plan__sample=sample)
    said = {"nodes": nodes, "price_per_hour": price}
    profile = find_cluster(cluster, settings)
    profile = profile.model_copy(update={key: value for key, value in said.items() if value is not None})
    seen = foresee(inputs, model=model, settings=settings, cluster=profile, like=like or (), images=images)
    if as_json:
        console.print_json(describe(seen, cluster))
    else:
        _tell(seen, cluster)


def describe(seen: Foresight, cluster: str | None) -> dict[str, Any]:
    """What a machine is told."""
    work = seen.work
    return {
        "inputs": work.shards.planned,
        "shards": work.shards.count,
        "shard_size": work.shards.size,
        "best_shard_size": seen.best_size,
        "cluster": cluster or "this machine",
        "profile": work.cluster.model_dump(mode="json"),
        "measured_on": work.costs.images,
        "stage_s": work.costs.stage_s,
        "overheads_s": asdict(work.overheads),
        **asdict(seen.expected),
        "bytes": asdict(seen.footprint),
        "table": [asdict(one) for one in seen.table],
    }


def _tell(seen: Foresight, cluster: str | None) -> None:
    from pipelines.results.report.formats import count, duration

    work, expected, out = seen.work, seen.expected, console.stdout()
    out.print(
        f"[bold]{count(work.shards.planned)}[/] inputs in {count(expected.shards)} shards of {expected.shard_size}, "
        f"{expected.workers} workers on {expected.nodes} node(s) of {console.plain(cluster or 'this machine')}; "
        f"measured on {count(work.costs.images)} images"
    )
    out.print(
        f"expected: [bold]{duration(expected.seconds)}[/] ({duration(expected.low_s)} to {duration(expected.high_s)}, "
        f"nine in ten), {expected.node_hours:,.2f} node-hours, cost {expected.cost:,.2f}; bound by {expected.bound}"
    )
    if seen.best_size != work.shards.size:
        out.print(f"shards of {seen.best_size} would end sooner: `cohort.shard_size` ({console.plain(seen.best_size)})")
    _tell_space(seen)
    _tell_stages(seen)
    _tell_nodes(seen.table)


def _tell_space(seen: Foresight) -> None:
    space, memory = seen.footprint, seen.work.cluster.memory_gib * 2**30
    out = console.stdout()
    out.print(
        f"memory: {_mib(space.worker)} a worker, {_mib(space.driver)} driver, {_mib(space.actor)} results actor, "
        f"{_mib(space.object_store)} in the object store; {_mib(space.node)} of {_mib(memory)} on the first node"
    )
    read = f"{space.read / 1e9:,.2f} GB" if space.read else "unknown"
    out.print(f"bytes: {read} read, {space.written / 1e9:,.2f} GB written")
    if space.node > memory:
        console.stderr().print("[bold yellow]the first node has too little memory: give it fewer workers[/]")


def _tell_stages(seen: Foresight) -> None:
    from rich.table import Table

    from pipelines.results.report.timing import in_order

    costs, work = seen.work.costs, seen.work
    table = Table("step", box=None)
    for name in ("ms an image", "worker-hours"):
        table.add_column(name, justify="right")
    for stage in in_order(costs.stage_s):
        seconds = costs.stage_s[stage]
        table.add_row(stage, f"{seconds * 1000:.3f}", f"{seconds * work.shards.planned / 3600:.2f}")
    shards, beyond_s = work.shards, work.overheads.shard_s
    each_ms, hours = beyond_s / shards.size * 1000, beyond_s * shards.count / 3600
    table.add_row("a shard beyond", f"{each_ms:.3f}", f"{hours:.2f}")
    console.stdout().print(table)


def _tell_nodes(estimates: list[Estimate]) -> None:
    from rich.table import Table

    from pipelines.results.report.formats import duration

    table = Table(box=None)
    for name in ("nodes", "duration", "node-hours", "cost", "bound by"):
        table.add_column(name, justify="right")
    for one in estimates:
        table.add_row(str(one.nodes), duration(one.seconds), f"{one.node_hours:,.2f}", f"{one.cost:,.2f}", one.bound)
    console.stdout().print(table)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"
