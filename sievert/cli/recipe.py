"""`sievert recipe`: what is done to an image before a network reads it, and how that looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile, effective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import ModelPackage
    from models.recipe import Recipe
    from sievert.records import Refusal
    from sievert.settings import AdmitSettings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="List, show and try recipes: what is done to an image before a network.")

ModelOption = Annotated[str, typer.Option("--model", help="Name or folder of the model package that it travels with.")]


@app.callback()
def recipe() -> None:
    """List, show and try recipes: what is done to an image before a network."""


@app.command("list")
def list_(
    *,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List the recipes to train with (`sievert train --recipe NAME`), and those of the packages that come along."""
    from models.package import load_package
    from models.recipes import NAMED
    from sievert.cli.listing import list_packages

    named = [{"name": name, "does": does, "dimensions": list(ranks)} for name, (does, ranks, _) in NAMED.items()]
    told = [{"model": one["name"], **_described(load_package(one["name"]))} for one in list_packages()]
    if as_json:
        console.print_json({"packages": told, "named": named})
        return
    for recipe in named:
        ranks = " and ".join(f"{rank}-D" for rank in recipe["dimensions"])
        console.stdout().print(f"{recipe['name']:14} {recipe['does']}  ({ranks})", markup=False)
    for one in told:
        steps = " → ".join(step["step"] for step in one["steps"])
        console.stdout().print(f"{one['model']}: {steps}  ({one['digest'][:12]})", markup=False)


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Name or folder of a model package.", metavar="MODEL")] = "default",
    *,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Show the steps of a package's recipe with their settings, and its digest, which is in every result."""
    from models.package import load_package

    told = _described(load_package(model))
    if as_json:
        console.print_json(told)
        return
    for step in told["steps"]:
        settings = ", ".join(f"{name} {value}" for name, value in step.items() if name != "step")
        console.stdout().print(f"{step['step']:8} {settings}", markup=False)
    console.stdout().print(f"digest   {told['digest']}", markup=False)


@app.command("try")
def try_(
    file: Annotated[Path, typer.Argument(help="An image.", metavar="FILE")],
    *,
    model: ModelOption = "default",
    named: Annotated[
        str | None,
        typer.Option("--recipe", help="A named recipe or a JSON file instead.", metavar="NAME"),
    ] = None,
    size: Annotated[str, typer.Option("--size", help="Rows x columns that a named recipe ends with.")] = "224",
    to: Annotated[
        Path | None, typer.Option("--to", help="Where to write a picture of all steps, side by side.", metavar="PNG")
    ] = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Do a recipe on one image, whatever it shows, and tell what each step made. The picture is patient data."""
    from models.package import load_package
    from models.recipes import find_recipe
    from pipelines.preprocess.trying import draw_steps, try_recipe
    from pipelines.results.disk import disk_errors
    from sievert.cli.training import read_size

    chosen = find_recipe(named, read_size(size)) if named else load_package(model).recipe
    pixels, spacing = _opened(file, chosen, effective(config).admit)
    tried = try_recipe(pixels, chosen, spacing_mm=spacing)
    if to is not None:
        from PIL import Image

        with disk_errors("the picture could not be written"):
            Image.fromarray(draw_steps(tried)).save(to, "PNG")
    _tell([one.told for one in tried], to, as_json=as_json)


def _opened(file: Path, recipe: Recipe, policy: AdmitSettings) -> tuple[NDArray[Any], tuple[float, ...] | None]:
    """What the recipe begins with, and how far apart its pixels lie."""
    from pipelines.admit.admission import decode_image
    from pipelines.admit.reading import read_source
    from pipelines.preprocess.resampling import refuse_spacing

    content = _accepted(read_source(str(file.absolute()), max_bytes=policy.max_file_bytes))
    image = _accepted(decode_image(content, policy, in_units=recipe.reads_values))
    pixels = _accepted(image.read(in_units=recipe.reads_values))
    _accepted(refuse_spacing(recipe, pixels.shape, image.spacing_mm))
    return pixels, image.spacing_mm


def _accepted(found: T | Refusal) -> T:
    from sievert.errors import DataError
    from sievert.records import Refusal

    if isinstance(found, Refusal):
        raise DataError(f"the image is refused: {found.explanation}")
    return found


def _tell(told: list[dict[str, Any]], to: Path | None, *, as_json: bool) -> None:
    if as_json:
        console.print_json({"steps": told, "picture": to and str(to)})
        return
    for one in told:
        size, values = f"{one['rows']} x {one['columns']}", f"{one['least']} to {one['most']}"
        line = f"{one['step']:9} {size:>12}  {one['type']:8} {values:24} {one['ms']:8.2f} ms"
        console.stdout().print(line, markup=False)


def _described(package: ModelPackage) -> dict[str, Any]:
    return {"digest": package.recipe.digest, "steps": [step.model_dump() for step in package.recipe.steps]}
