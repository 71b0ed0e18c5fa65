"""Claims about where results may be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from sievert.cli.main import run
from sievert.cli.options import results_folder, volume_folder
from sievert.errors import ConfigError


def test_a_folder_is_taken_as_it_is_named() -> None:
    assert results_folder("results/2027") == volume_folder("results/2027") == Path("results/2027")


@pytest.mark.parametrize(
    "command",
    [
        ["screen", ".", "--out", "gs://ward/x"],
        ["verify", "https://ward/x"],
        ["serve", "default", "--results", "s3://w/x"],
    ],
    ids=" ".join,
)
def test_a_url_that_results_cannot_be_kept_at_makes_no_folder_of_that_name(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(command) == ConfigError.exit_code
    assert "ward" not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
