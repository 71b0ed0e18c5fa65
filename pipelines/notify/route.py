"""A channel and what goes through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pipelines.notify.notice import Stage, Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.notify.notice import Channel, Notice


@dataclass(frozen=True, slots=True)
class Route:
    """A channel and what goes through it.

    Attributes:
        channel: The way to the receiver.
        stages: What it wants to be told of.
        least: What is less urgent does not go through it.
        disturbs: Whether it reaches a person, who is left alone in quiet hours; a system of record is not.
        escalates_apart: Whether escalations go to others than the notices before: then they do not queue behind them.
    """

    channel: Channel
    stages: frozenset[Stage] = frozenset(Stage)
    least: Urgency = Urgency.ROUTINE
    disturbs: bool = True
    escalates_apart: bool = False

    @property
    def name(self) -> str:
        """The channel's."""
        return self.channel.name


@runtime_checkable
class Gathering(Protocol):
    """A channel that tells of several notices in one message."""

    def gathers(self, notice: Notice) -> bool:
        """Whether a notice goes into the common message of a pass."""

    def deliver_together(self, notices: Sequence[Notice]) -> None:
        """Hand them over; raises what `Channel.deliver` raises."""


@runtime_checkable
class Answering(Protocol):
    """A channel whose receiver can be asked what was acknowledged there."""

    def acknowledged(self, notices: Sequence[str]) -> set[str]:
        """Which of these notice ids were acknowledged.

        Raises:
            DeliveryError: It could not be asked.
        """
