"""`sievert settings`: the effective tree, and where each value came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.options import ConfigFile


def settings(
    *,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Print the effective settings and where each value came from."""
    from sievert.settings import flat, load_settings

    loaded = load_settings(config=config)
    values = {path: _shown(value) for path, value in flat(loaded.settings).items()}
    origins = {path: loaded.origins.get(path, "default") for path in values}
    origins["clusters"] = next((where for path, where in loaded.origins.items() if _is_profile(path)), "default")
    if as_json:
        console.print_json({path: {"value": values[path], "from": origins[path]} for path in values})
        return
    from rich.table import Table

    table = Table("setting", "value", "from", box=None)
    for path, value in values.items():
        table.add_row(path, "" if value is None else console.plain(value), console.plain(origins[path]))
    console.stdout().print(table)


def _is_profile(path: str) -> bool:
    return path.startswith("clusters.")


def _shown(value: Any) -> Any:  # noqa: ANN401 - each setting has its own type
    """As JSON can hold it; a secret's own text is stars."""
    from pydantic import BaseModel, SecretStr

    if isinstance(value, tuple):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_none=True)
    return str(value) if isinstance(value, (Path, SecretStr)) else value
