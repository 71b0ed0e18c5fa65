"""`sievert model`: what is known about model packages and the architectures of the zoo."""

from __future__ import annotations

from typing import Annotated

import typer

from sievert.cli import console

app = typer.Typer(no_args_is_help=True, help="Show, list and check model packages.")

NameArgument = Annotated[str, typer.Argument(help="Name of a shipped package, or a package's folder.")]


@app.callback()
def model() -> None:
    """Show, list and check model packages."""


@app.command()
def show(
    name: NameArgument = "default",
    *,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Check a package's files and show where it lies, what it is for and how good it is."""
    from models.package import load_package
    from sievert.cli.describing import describe_package

    package = load_package(name)
    described = describe_package(package)
    if json:
        console.print_json(described)
        return
    from rich.markdown import Markdown

    console.stdout().print(Markdown(package.card_file.read_text("utf-8")), soft_wrap=False)
    for key in ("folder", "onnx", "digest"):
        console.stdout().print(f"{key}: {described[key]}", markup=False)


@app.command("list")
def list_(
    *,
    zoo: Annotated[bool, typer.Option("--zoo", help="List the architectures that can be trained instead.")] = False,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List the packages that come with Sievert, or with --zoo the architectures that `sievert train` knows."""
    from sievert.cli.listing import list_architectures, list_packages, tell_architecture, tell_package

    listed = list_architectures() if zoo else list_packages()
    if json:
        console.print_json(listed)
        return
    for one in listed:
        console.stdout().print(tell_architecture(one) if zoo else tell_package(one), markup=True)


@app.command()
def check(
    name: NameArgument = "default",
    *,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Check a package part by part: hashes, metadata, recipe, calibration, card, and that ONNX and weights agree."""
    from dataclasses import asdict

    from models.checking import check_package
    from sievert.errors import ModelError

    checks = check_package(name)
    failed = [one.name for one in checks if one.passed is False]
    if json:
        console.print_json({"passed": not failed, "checks": [asdict(one) for one in checks]})
    else:
        for one in checks:
            mark = {True: "[green]ok[/]    ", False: "[bold red]failed[/]", None: "[yellow]-[/]     "}[one.passed]
            console.stdout().print(f"{mark} {one.name}: {console.plain(one.said)}", markup=True)
    if failed:
        raise typer.Exit(ModelError.exit_code)
