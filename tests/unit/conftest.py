"""Unit tests cannot start a cluster."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a unit test tried to start Ray: it belongs in tests/integration")

    monkeypatch.setattr("ray.init", refuse)
