"""What can be laid over a picture: any map that a record holds, under whatever name later versions give it."""

from __future__ import annotations

import base64
import binascii
from math import prod
from typing import Any

MOST_VALUES = 1 << 24


def find_layers(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Maps and masks of a record, for the viewer: name, title, kind, rows, columns, values as bytes in base64.

    A map is any object with a `shape` of two numbers and `values_base64` of that many bytes.
    """
    found = [(name, value) for name, value in record.items() if isinstance(value, dict)]
    layers = [_layer(name, value) for name, value in found if _is_map(value)]
    boxes = [box for box in record.get("masked") or () if _is_box(box)]
    if boxes:
        layers.append({"name": "masked", "title": "Blanked text", "kind": "boxes", "boxes": boxes})
    return layers


def _layer(name: str, value: dict[str, Any]) -> dict[str, Any]:
    method, target = value.get("method"), value.get("target")
    title = method if isinstance(method, str) else name.replace("_", " ").capitalize()
    return {
        "name": name,
        "title": f"{title} for {target}" if isinstance(target, str) else title,
        "kind": "mask" if "mask" in name or "segment" in name else "heat",
        "rows": value["shape"][0],
        "columns": value["shape"][1],
        "values": value["values_base64"],
    }


def _is_map(value: dict[str, Any]) -> bool:
    shape, values = value.get("shape"), value.get("values_base64")
    if not (isinstance(shape, list) and len(shape) == 2 and isinstance(values, str)):  # noqa: PLR2004 - rows, columns
        return False
    if not all(type(side) is int and side > 0 for side in shape) or prod(shape) > MOST_VALUES:
        return False
    try:
        return len(base64.b64decode(values, validate=True)) == prod(shape)
    except (binascii.Error, ValueError):
        return False


def _is_box(box: object) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(type(side) is int for side in box)  # noqa: PLR2004 - a box's sides
