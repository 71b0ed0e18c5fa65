"""What access control tells whoever keeps the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """Somebody signed in, signed out, or was refused.

    Attributes:
        what: Which of them.
        who: The principal's name; `unknown` of who could not show it.
        by: How they have shown it.
        address: Whence they are connected; a proxy's, where there is one.
    """

    what: Literal["signed in", "signed out", "refused"]
    who: str
    by: str
    address: str


Observer = Callable[[AccessEvent], None]
"""Called in a thread; what it raises keeps a sign-in from being one."""


def ignore(_: AccessEvent) -> None:
    """An observer that keeps nothing."""
