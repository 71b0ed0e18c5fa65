"""Where results may lie: apart from keys and ledger, and not among the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.mirror import mirror_at
from sievert.errors import ConfigError, OutFolderError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sievert.settings import StoreSettings


def refuse_inputs_around(inputs: Sequence[str], out: Path) -> None:
    """Results in a bucket must not lie among images that are to be screened.

    Raises:
        OutFolderError: They would.
    """
    mirror = mirror_at(out)
    for text in inputs if mirror else ():
        place = text.rstrip("/")
        if mirror and (mirror.url == place or mirror.url.startswith(f"{place}/")):
            raise OutFolderError("the bucket's prefix for the results lies among the inputs")


def keep_apart(out: Path, store: StoreSettings) -> None:
    """Who is given the results must not be given the keys, and what lies under the root must not change.

    Raises:
        ConfigError: One would lie in the other.
    """
    for name, place in (("key store", store.keys), ("ledger", store.ledger)):
        if place.resolve().is_relative_to(out.resolve()):
            raise ConfigError(f"the {name} must not lie in the out folder", remedy="Name another place for it.")
