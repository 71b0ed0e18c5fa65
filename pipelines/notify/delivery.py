"""What a queue holds: who is to be told of, and each way that a notice takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.notify.notice import Stage, Urgency


class State(StrEnum):
    """How far a delivery has come."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Flagged:
    """A record that somebody is to be told of: notice id, record id, place in the plan, urgency."""

    notice: str
    record: str
    place: int
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way through one channel.

    Attributes:
        notice: The notice's id.
        record: Our id of the record.
        shard: Where it lies.
        place: Its index in the plan.
        urgency: How soon somebody must look.
        issued: When the result was found stored, ISO 8601.
        stage: Why it is sent.
        channel: The channel's name.
        attempts: How many failed.
        first_at: When the first one began, seconds since 1970; None before it.
    """

    notice: str
    record: str
    shard: int
    place: int
    urgency: Urgency
    issued: str
    stage: Stage
    channel: str
    attempts: int
    first_at: float | None
