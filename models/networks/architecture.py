"""What the zoo knows of one architecture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.networks.classifier import Classifier
    from models.networks.space import SearchSpace
    from models.networks.spec import NetworkSpec, Option


class NetworkOptions(BaseModel):
    """Options that every architecture has; a family adds its own in a subclass.

    Attributes:
        dropout: Share of what the head reads that is dropped in training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dropout: float = Field(default=0.2, ge=0, lt=1)


@dataclass(frozen=True, slots=True)
class Architecture:
    """One entry of the zoo.

    Attributes:
        name: What a user calls it.
        title: What its paper calls it.
        source: Of the design.
        ranks: Spatial dimensions that it reads.
        build: Makes the network, weights drawn anew, from a spec that was checked.
        settings: Its options, their defaults and what they may be.
        space: What tuning may try.
        starts: Settings that it trains well with, by dotted name as in `space`, where they are not the zoo's own
            defaults; training begins with them, and so does tuning.
        smallest: Slices, rows and columns that it reads at least, in pixels.
    """

    name: str
    title: str
    source: str
    ranks: tuple[int, ...]
    build: Callable[[NetworkSpec], Classifier]
    settings: type[NetworkOptions]
    space: SearchSpace
    starts: Mapping[str, Option] = field(default_factory=dict)
    smallest: tuple[int, int, int] = (16, 16, 16)

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options."""
        return tuple(self.settings.model_fields)

    @property
    def defaults(self) -> dict[str, Option]:
        """Its options where a spec leaves them out."""
        return self.settings().model_dump()
