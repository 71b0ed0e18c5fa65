"""Integration tests share one Ray session of two CPUs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cluster.session import open_session
from sievert.cli.main import run
from sievert.settings import ClusterSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """Opened as the product opens it."""
    with open_session(ClusterSettings()) as session:
        assert session.local
        yield


@dataclass(frozen=True)
class Answer:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was printed
        return json.loads(self.out)


class Sievert:
    """The front door, in this process, with keys and ledger of its own."""

    def __init__(self, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.home, self._capfd = home, capfd

    def __call__(self, *arguments: object) -> Answer:
        self._capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = self._capfd.readouterr()
        return Answer(code, printed.out, printed.err)


@pytest.fixture
def sievert(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sievert:
    """Commands with a home of the test's own."""
    monkeypatch.setenv("SIEVERT_STORE__KEYS", str(tmp_path / "home" / "keys"))
    monkeypatch.setenv("SIEVERT_STORE__LEDGER", str(tmp_path / "home" / "ledger.sqlite"))
    monkeypatch.setenv("SIEVERT_COHORT__SHARD_SIZE", "8")
    return Sievert(tmp_path, capfd)
