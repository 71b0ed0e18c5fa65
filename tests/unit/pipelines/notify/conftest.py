"""What the tests of notification share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.notices import Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Of webhooks, on this machine."""
    yield from receiving()
