"""What is written from the models of the chart's values: the schema, the defaults, the README."""

from __future__ import annotations

import json
import textwrap
from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

import yaml

from cluster.chart.parts import Part
from cluster.chart.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic.fields import FieldInfo

WIDTH = 110
HEAD = """# Sievert's Helm chart

Runs Sievert under the [KubeRay](https://github.com/ray-project/kuberay) operator (1.7 or newer): a cluster for
research, a nightly screening, an online service. How to get there from an empty cluster is in
[docs/kubernetes.md](../../docs/kubernetes.md); values for a start are in [presets](presets).

```
helm install NAME helm/sievert --namespace NAMESPACE --values helm/sievert/presets/small.yaml
```

A value that is misspelt or cannot be is refused before anything is sent. Lists are replaced whole.

"""


def schema() -> str:
    """`values.schema.json`: unknown values are refused, also those of a release that is part of another chart."""
    tree = Values.model_json_schema(by_alias=True)
    tree["properties"]["global"] = {"type": "object"}
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **_lean(tree)}, indent=1) + "\n"


def defaults() -> str:
    """`values.yaml`: every value, with what it means above it."""
    return "# Written by `make docs` from cluster/chart: change it there.\n" + "\n".join(_lines(Values(), "")) + "\n"


def readme() -> str:
    """The table of values, a section a branch."""
    branches = [(name, value) for name, _, value in _fields(Values()) if isinstance(value, Part)]
    sections = [
        _section(f"`{name}`", type(value).__doc__ or "", _rows_of_kind(name, value)) for name, value in branches
    ]
    single = [_rows(*item) for item in _fields(Values()) if not isinstance(item[2], Part)]
    return HEAD + "\n".join([*sections, _section("The rest", "Values of no branch.", chain(*single))])


FILES = {"values.schema.json": schema, "values.yaml": defaults, "README.md": readme}
"""What lies in the chart's folder and is written from the code."""


def _section(title: str, about: str, rows: Iterable[str]) -> str:
    return "\n".join([f"## {title}", "", about, "", "| value | default | meaning |", "|---|---|---|", *rows, ""])


def _lean(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Defaults are in `values.yaml`, and titles repeat names."""
    if isinstance(node, list):
        return [_lean(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _lean(value) for key, value in node.items() if key not in {"title", "default"}}
    if isinstance(node.get("properties"), dict):
        kept["properties"] = {name: _lean(value) for name, value in node["properties"].items()}
    if "prefixItems" in kept:  # what the draft that Helm 3 reads calls them
        kept["items"] = kept.pop("prefixItems")
    return kept


def _fields(part: Part) -> Iterator[tuple[str, FieldInfo, Any]]:
    for name, field in type(part).model_fields.items():
        yield field.alias or name, field, getattr(part, name)


def _lines(part: Part, indent: str) -> Iterator[str]:
    for name, field, value in _fields(part):
        yield from textwrap.wrap(
            field.description or "", WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        if isinstance(value, Part):
            yield f"{indent}{name}:"
            yield from _lines(value, f"{indent}  ")
        else:
            text = yaml.safe_dump({name: _plain(value)}, sort_keys=False, width=WIDTH, allow_unicode=True).rstrip()
            yield textwrap.indent(text, indent)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a value may be
    if isinstance(value, Part):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _rows(name: str, field: FieldInfo, value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever a value may be
    if isinstance(value, Part):
        yield from _rows_of_kind(name, value)
        return
    yield f"| `{name}` | `{json.dumps(_plain(value))}` | {field.description}{_choices(field)} |"


def _rows_of_kind(prefix: str, part: Part) -> Iterator[str]:
    for name, field, value in _fields(part):
        yield from _rows(f"{prefix}.{name}", field, value)


def _choices(field: FieldInfo) -> str:
    words = [one for one in get_args(field.annotation) if isinstance(one, str) and one]
    return f" ({', '.join(f'`{one}`' for one in words)})" if words else ""
