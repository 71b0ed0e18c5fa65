"""The shipped model behind the interfaces: started once a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.onlinebackend import Online, online_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Online]:
    with online_in(tmp_path_factory.mktemp("online")) as found:
        yield found
