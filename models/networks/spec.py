"""What a network of the zoo is asked for: its architecture, what it reads and how many classes it tells apart."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Option = bool | int | float | str | tuple[int, ...]
"""A value of an architecture's own option."""


class NetworkSpec(BaseModel):
    """Enough to build a network anew, apart from its weights; stands in a package's metadata.

    Attributes:
        arch: Name in `models.networks.registry`.
        shape: What it reads, in pixels: rows and columns, or slices, rows and columns.
        channels: Input channels.
        classes: Classes that it tells apart.
        options: The architecture's own options, by name; what is left out is its default.
        views: Over what predictions are averaged once it is trained, see `models.networks.views`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    arch: str
    shape: tuple[int, ...] = Field(min_length=2, max_length=3)
    channels: int = Field(default=1, ge=1)
    classes: int = Field(default=2, ge=2)
    options: dict[str, Option] = Field(default_factory=dict)
    views: Literal["plain", "mirrored", "shifted", "both"] = "plain"

    @property
    def rank(self) -> int:
        """Spatial dimensions: 2 or 3."""
        return len(self.shape)
