"""Secrets of channels: taken out of the environment, or from a file that only its owner may read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipelines.results.keys.keyfiles import is_open_to_others
from pipelines.results.ledger.rpc.account import Secret
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def find_secret(variable: str, file: Path | None, setting: str) -> Secret | None:
    """A secret from its file, else from its variable; None where there is neither.

    The variable is taken out of the environment, so that processes started later do not inherit it.

    Args:
        variable: Its name.
        file: The file that the settings name.
        setting: The path of that setting.

    Raises:
        ConfigError: The file cannot be read, or others may read it.
    """
    given = os.environ.pop(variable, None)
    if file is None:
        return Secret(given.strip()) if given and given.strip() else None
    try:
        if is_open_to_others(file.stat()):
            raise ConfigError(f"others may read the file of `{setting}`", remedy="Take their rights away: chmod 600.")
        return Secret(file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"the file of `{setting}` cannot be read") from None
