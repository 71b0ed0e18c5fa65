"""Claims about where results may be kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sievert.cli.main import run
from sievert.cli.options import volume_folder
from sievert.errors import ConfigError, StorageError


def test_a_folder_is_taken_as_it_is_named() -> None:
    assert volume_folder("results/2027") == Path("results/2027")


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


def test_what_is_wrong_with_a_bucket_is_told_to_machines_wherever_the_flag_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    settings = tmp_path / "site.toml"
    settings.write_text(f'[store]\nmirrors = "{tmp_path / "mirrors"}"\n', "utf-8")
    assert run(["verify", "s3://ward/x", "--json", "--config", str(settings)]) == StorageError.exit_code
    assert json.loads(capsys.readouterr().out)["error"] == "StorageError"
    assert (tmp_path / "mirrors").is_dir()
