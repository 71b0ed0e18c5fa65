"""Token buckets: how often somebody may ask. Each replica counts for itself."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BUCKETS = 10_000
"""Above it the one that was used longest ago goes: who sends from many addresses fills no memory."""
_MINUTE_S = 60
_IPV6_HOST_BITS = 64


@dataclass(frozen=True, slots=True)
class Taken:
    """What a bucket said.

    Attributes:
        allowed: Whether there was something left.
        limit: What a full bucket holds.
        remaining: Left now.
        wait_s: Whole seconds until there is something again, at least 1; 0 where it was allowed.
        reset_s: Whole seconds until it is full.
    """

    allowed: bool
    limit: int
    remaining: int
    wait_s: int
    reset_s: int

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """As headers of an answer."""
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(self.remaining)),
            ("X-RateLimit-Reset", str(self.reset_s)),
        )


class Buckets:
    """A bucket for each who asks: it holds a minute's worth and fills evenly.

    Args:
        a_minute: How much it holds, and gains in a minute.
        clock: Seconds, never going back.
    """

    def __init__(self, a_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._full = a_minute
        self._a_second = a_minute / _MINUTE_S
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, who: str) -> Taken:
        """Take one."""
        now = self._clock()
        level, then = self._levels.pop(who, (float(self._full), now))
        level = min(float(self._full), level + (now - then) * self._a_second)
        allowed = level >= 1
        level -= allowed
        self._levels[who] = (level, now)
        if len(self._levels) > _MOST_BUCKETS:
            self._levels.pop(next(iter(self._levels)))
        wait_s = 0 if allowed else math.ceil((1 - level) / self._a_second)
        return Taken(allowed, self._full, int(level), wait_s, math.ceil((self._full - level) / self._a_second))


def network_of(address: str) -> str:
    """Whom an address stands for: an IPv6 host has a whole /64 to itself (RFC 4291, 2.5.4)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
    return address
