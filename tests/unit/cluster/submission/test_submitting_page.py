"""What docs/submitting.md tells a researcher to type is what the program takes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from typer.main import get_command

from sievert.cli.main import app
from sievert.errors import SubmissionError, all_errors
from sievert.settings import Settings
from tests.charts import EVERYTHING, render, unfold

PAGE = (Path(__file__).parents[4] / "docs" / "submitting.md").read_text("utf-8")


def test_the_profiles_are_taken_as_they_stand() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    profiles = Settings.model_validate(tomllib.loads(block)).clusters
    assert {profile.kind for profile in profiles.values()} == {"ray", "kuberay"}


def test_every_command_and_option_is_there() -> None:
    jobs = getattr(get_command(app), "commands")["jobs"]  # noqa: B009 - typer's groups have no type for it
    assert set(re.findall(r"^sievert jobs (\w+)", PAGE, re.MULTILINE)) == set(jobs.commands)
    submit = getattr(get_command(app), "commands")["submit"]  # noqa: B009 - as above
    options = {name for param in submit.params for name in (*param.opts, *param.secondary_opts)}
    assert {"--cluster", "--address", "--no-wait", "--again", "--name"} <= options
    assert set(re.findall(r"`(--[\w-]+)[ `]", PAGE)) <= options | {"--out"}


def test_every_error_of_a_submission_is_in_the_table() -> None:
    told = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE) for code in row.split(",")}
    codes = {kind.exit_code for kind in all_errors() if issubclass(kind, SubmissionError)}
    assert told == codes - {SubmissionError.exit_code}


def test_every_object_of_the_chart_that_is_named_is_made() -> None:
    made = {found["metadata"]["name"] for found in unfold(render(EVERYTHING))}
    for name in set(re.findall(r"\b(night-sievert-[\w-]+)", PAGE)):
        assert name.removesuffix("-head-svc") in made, name
