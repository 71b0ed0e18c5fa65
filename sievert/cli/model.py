"""`sievert model`: what is known about a model package."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sievert.cli import console

if TYPE_CHECKING:
    from models.package import ModelPackage

app = typer.Typer(no_args_is_help=True, help="Show a model package.")


@app.callback()
def model() -> None:
    """Show a model package."""


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a shipped package, or a package's folder.")] = "default",
    *,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Check a package's files and show where it lies, what it is for and how good it is."""
    from models.package import load_package

    package = load_package(name)
    described = _describe(package)
    if json:
        console.print_json(described)
        return
    from rich.markdown import Markdown

    console.stdout().print(Markdown(package.card_file.read_text("utf-8")), soft_wrap=False)
    for key in ("folder", "onnx", "digest"):
        console.stdout().print(f"{key}: {described[key]}", markup=False)


def _describe(package: ModelPackage) -> dict[str, Any]:
    files = {"onnx": package.onnx_file, "weights": package.weights_file, "card": package.card_file}
    return {
        "name": package.metadata.name,
        "version": package.metadata.version,
        "task": package.metadata.task,
        "folder": str(package.folder.resolve()),
        "digest": package.digest,
        **{part: str(file.resolve()) for part, file in files.items()},
        "bytes": {part: file.stat().st_size for part, file in files.items()},
        "input": [1, package.metadata.rows, package.metadata.columns],
        "labels": list(package.metadata.labels),
        "positive_label": package.metadata.positive_label,
        "modalities": list(package.metadata.modalities),
        "body_parts": list(package.metadata.body_parts),
        "recipe": package.recipe.model_dump(mode="json")["steps"],
        "calibration": package.calibration.model_dump(),
        "metrics": json_module.loads(package.metrics_file.read_bytes()),
    }
