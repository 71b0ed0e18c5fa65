"""Scopes that a package can be trained for: JSON files beside this one, or the user's own."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from models.metadata import Scope
from sievert.errors import ConfigError

CHEST = Path(__file__).parent / "chest_pneumonia.json"
"""Scope of the shipped package: pneumonia on a child's chest X-ray."""


def read_scope(file: Path = CHEST) -> Scope:
    """Read what a package is to be for.

    Args:
        file: JSON with the fields of `models.metadata.Scope`.

    Raises:
        ConfigError: It cannot be read, or a field is missing, unknown or wrong.
    """
    try:
        return Scope.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"the scope {file.name!r} cannot be understood",
            remedy=f"Start from {CHEST.name}, which lies beside the training code.",
        ) from error
