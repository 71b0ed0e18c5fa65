"""For every constraint of a JSON schema, a value that breaks it and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = dict[str, Any]
_STRANGE = ("\x01", "", "-", "~ !", "UPPER/lower", "a" * 400, "0x1", "1")
_OTHER_TYPE: dict[str, Any] = {
    "string": 7,
    "integer": "seven",
    "number": "seven",
    "boolean": "maybe",
    "array": "one",
    "object": "one",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """Values that a schema refuses.

    Attributes:
        where: Path and constraint, for a test's name.
        values: The whole tree, with one value that is wrong.
    """

    where: str
    values: dict[str, Any]


def breaches(schema: Schema) -> Iterator[Breach]:
    """One for each constraint of each property, at any depth."""
    yield from _of_object(schema, schema, "", lambda value: value)


def _of_object(node: Schema, root: Schema, path: str, plant: Callable[[Any], Any]) -> Iterator[Breach]:
    whole = _smallest(node, root)
    if node.get("additionalProperties") is False:
        yield Breach(f"{path}.unknown", plant({**whole, "misspelt": 1}))
    for name in node.get("required", []):
        yield Breach(f"{path}.{name} required", plant({key: value for key, value in whole.items() if key != name}))
    for name, inner in node.get("properties", {}).items():

        def deeper(value: Any, name: str = name) -> Any:  # noqa: ANN401 - JSON
            return plant({**whole, name: value})

        yield from _of_value(_resolved(inner, root), root, f"{path}.{name}".lstrip("."), deeper)


def _of_value(node: Schema, root: Schema, path: str, plant: Callable[[Any], Any]) -> Iterator[Breach]:
    if "anyOf" in node:
        yield Breach(f"{path} none of its kinds", plant({"no": ["kind"]}))
        return
    if node.get("type") in _OTHER_TYPE:
        yield Breach(f"{path} type", plant(_OTHER_TYPE[node["type"]]))
    for constraint, wrong in _wrong(node, root):
        yield Breach(f"{path} {constraint}", plant(wrong))
    if "properties" in node:
        yield from _of_object(node, root, path, plant)
    if isinstance(node.get("items"), dict):
        most = max(1, node.get("minItems", 1))
        yield from _of_value(_resolved(node["items"], root), root, f"{path}[]", lambda value: plant([value] * most))


def _wrong(node: Schema, root: Schema) -> Iterator[tuple[str, Any]]:
    made: dict[str, Callable[[Any], Any]] = {
        "minimum": lambda bound: bound - 1,
        "exclusiveMinimum": lambda bound: bound,
        "maximum": lambda bound: bound + 1,
        "exclusiveMaximum": lambda bound: bound,
        "enum": lambda _: "no-such-word",
        "maxLength": lambda bound: "a" * (bound + 1),
        "minLength": lambda _: "",
        "minItems": lambda _: [],
        "maxItems": lambda bound: [_filler(node, root)] * (bound + 1),
        "pattern": lambda pattern: next(text for text in _STRANGE if not re.search(pattern, text)),
    }
    for constraint, make in made.items():
        if constraint in node:
            yield constraint, make(node[constraint])


def _filler(node: Schema, root: Schema) -> Any:  # noqa: ANN401 - JSON
    items = node["items"]
    return _smallest_value(items[0] if isinstance(items, list) else items, root)


def _smallest(node: Schema, root: Schema) -> dict[str, Any]:
    properties = node.get("properties", {})
    return {name: _smallest_value(properties[name], root) for name in node.get("required", [])}


def _smallest_value(node: Schema, root: Schema) -> Any:  # noqa: ANN401 - JSON
    node = _resolved(node, root)
    if node.get("type") == "object":
        return _smallest(node, root)
    if isinstance(node.get("items"), list):
        return [_smallest_value(item, root) for item in node["items"]]
    if node.get("type") == "array":
        return [_smallest_value(node["items"], root)] * node.get("minItems", 0)
    if "pattern" in node or node.get("minLength"):
        candidates = ("abc", "10.0.0.0/8", "/images", "1h")
        return next(text for text in candidates if re.search(node.get("pattern", "."), text))
    return {"integer": node.get("minimum", 1), "string": "", "boolean": False, "number": 1}[node["type"]]


def _resolved(node: Schema, root: Schema) -> Schema:
    if "$ref" not in node:
        return node
    found: Schema = root["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return found
