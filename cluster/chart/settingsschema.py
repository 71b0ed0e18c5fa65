"""Which settings a site may set through the chart: all but what the chart mounts, and what is secret."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ValidationError

from sievert.settings import Settings

OURS = frozenset({"cluster", "clusters", "store", "ledger"})
"""Branches that follow from the volumes and secrets of a release, or are a laptop's."""
OURS_OF_SERVE = frozenset({"host", "port", "grpc_port", "state", "tls_cert", "tls_key", "dicom"})
"""What the service's pods fix; TLS ends at the gateway."""


@cache
def settings_schema() -> dict[str, Any]:
    """A JSON schema without references that refuses what a site may not set."""
    whole = Settings.model_json_schema()
    branches = {name: _inlined(node, whole["$defs"]) for name, node in whole["properties"].items() if name not in OURS}
    serve = branches["serve"]["properties"]
    branches["serve"]["properties"] = {name: node for name, node in serve.items() if name not in OURS_OF_SERVE}
    return {"type": "object", "additionalProperties": False, "properties": branches}


def check_settings(found: dict[str, Any]) -> dict[str, Any]:
    """Take them as the program itself would.

    Raises:
        ValueError: One is unknown, fixed by the chart, secret, or cannot be what it is.
    """
    _refuse_fixed(found, settings_schema(), "")
    try:
        Settings.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return found


def _refuse_fixed(found: dict[str, Any], schema: dict[str, Any], prefix: str) -> None:
    for name, value in found.items():
        node = schema["properties"].get(name)
        if node is None:
            raise ValueError(f"setting {prefix}{name} is unknown, fixed by the chart, or comes from a Secret")
        if isinstance(value, dict) and "properties" in node:
            _refuse_fixed(value, node, f"{prefix}{name}.")


def _inlined(node: Any, kinds: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """References resolved, defaults and titles left out, what may hold a secret taken away."""
    if isinstance(node, list):
        return [_inlined(item, kinds) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(kinds[node["$ref"].removeprefix("#/$defs/")], kinds)
    kept = {key: value for key, value in node.items() if key not in {"default", "title", "format", "description"}}
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {name: value for name, value in node["properties"].items() if not _is_secret(value)}
        kept["properties"] = {name: _inlined(value, kinds) for name, value in kept["properties"].items()}
        return kept
    return {key: _inlined(value, kinds) for key, value in kept.items()}


def _is_secret(node: dict[str, Any]) -> bool:
    """A URL may hold a token, so it is as secret as one."""
    return bool(node.get("writeOnly")) or any(_is_secret(one) for one in node.get("anyOf", ()))
