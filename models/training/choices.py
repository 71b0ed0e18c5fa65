"""Choices by dotted name: one way to change settings, for tuning and for the command line."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from models.training.settings import AugmentSettings
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

    from models.networks.spec import NetworkSpec, Option
    from models.pretraining.settings import PretrainSettings
    from models.training.settings import TrainingSettings

Kind = TypeVar("Kind", bound=BaseModel)
Chosen = TypeVar("Chosen", bound="TrainingSettings | PretrainSettings")

REMEDY = "Name it as `training.`, `augment.` or `network.` and the setting, such as training.learning_rate=0.001."


def parse_choices(texts: Iterable[str]) -> dict[str, Any]:
    """Values by dotted name, from `KEY=VALUE`; whether they fit is said by `apply_values`.

    Args:
        texts: A value is JSON (`true`, `0.001`, `[24, 48]`) or, if it is none, a word.

    Raises:
        ConfigError: A text has no `=`, or a name comes twice.
    """
    choices: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"{text!r} is no KEY=VALUE", remedy=REMEDY)
        if key.strip() in choices:
            raise ConfigError(f"{key.strip()} is set twice", remedy=REMEDY)
        choices[key.strip()] = _read_value(value.strip())
    return choices


def apply_values(spec: NetworkSpec, settings: Chosen, values: Mapping[str, Any]) -> tuple[NetworkSpec, Chosen]:
    """Put values in their places.

    Args:
        spec: Its options are what `network.` names.
        settings: Its fields are what `training.` names; those of its augmentation, `augment.`.
        values: By dotted name.

    Raises:
        ConfigError: There is no such setting, or it cannot have that value.
        UnknownArchitectureError: The zoo has no network of the spec's name.
    """
    _check_names(spec, settings, values)
    augment = _checked("augment", settings.augment, _part(values, "augment"))
    changed = _checked("training", settings, _part(values, "training")).model_copy(update={"augment": augment})
    return _with_options(spec, _part(values, "network")), cast("Chosen", changed)


def _read_value(text: str) -> Any:  # noqa: ANN401 - anything that JSON holds; pydantic judges it
    try:
        return json.loads(text)
    except ValueError:
        return text


def _check_names(spec: NetworkSpec, settings: Chosen, values: Mapping[str, Any]) -> None:
    known = [f"training.{name}" for name in type(settings).model_fields if name != "augment"]
    known += [f"augment.{name}" for name in AugmentSettings.model_fields]
    if any(key not in known for key in values):  # only then: the zoo takes a second to import
        from models.networks.registry import find_architecture

        known += [f"network.{name}" for name in find_architecture(spec.arch).options]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise ConfigError(f"no setting is called {key!r}{hint}", remedy=REMEDY)


def _part(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(f"{prefix}."): value for key, value in values.items() if key.startswith(f"{prefix}.")}


def _checked(prefix: str, base: Kind, changes: dict[str, Any]) -> Kind:
    if not changes:
        return base
    try:
        return type(base).model_validate({**base.model_dump(), **changes})
    except ValidationError as error:
        raise ConfigError(_explain(prefix, error.errors()[0]), remedy=REMEDY) from error


def _explain(prefix: str, first: ErrorDetails) -> str:
    if not first["loc"]:  # values that do not fit each other
        return f"{prefix}: {first['msg'].removeprefix('Value error, ')}"
    return f"{prefix}.{first['loc'][0]} cannot be {first['input']!r}: {first['msg'].lower()}"


def _with_options(spec: NetworkSpec, changes: dict[str, Any]) -> NetworkSpec:
    """Only what was named stands in the options: the rest stays the architecture's default."""
    if not changes:
        return spec
    from models.networks.registry import find_architecture

    checked = _checked("network", find_architecture(spec.arch).settings(), {**spec.options, **changes})
    options: dict[str, Option] = {name: getattr(checked, name) for name in [*spec.options, *changes]}
    return spec.model_copy(update={"options": options})
