from __future__ import annotations

import pytest

from cluster.submission.nouns import LONGEST_NAME, make_submission
from sievert.errors import ConfigError, JobNameError


@pytest.mark.parametrize("out", [["--out", "/r/x/"], ["--out=/r/x"], ["--out=/r/x/"]])
def test_one_out_folder_is_one_job_however_it_is_written(out: list[str]) -> None:
    assert make_submission(["screen", "a", *out]).digest == make_submission(["screen", "a", "--out", "/r/x"]).digest


def test_another_input_or_out_folder_is_another_job() -> None:
    digests = {make_submission(["screen", one, "--out", out]).digest for one in "ab" for out in ("x", "y")}
    assert len(digests) == 4


@pytest.mark.parametrize("arguments", [[], ["submit"], ["serve"], ["scren", "x"], ["keys", "list"]])
def test_what_does_not_run_on_a_cluster_is_refused_before_it_travels(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="no command that runs on a cluster"):
        make_submission(arguments)


@pytest.mark.parametrize("name", ["a" * (LONGEST_NAME + 1), "Ann", "1st", "a_b", "a-", ""])
def test_a_name_that_no_rayjob_can_have_is_refused(name: str) -> None:
    with pytest.raises(JobNameError):
        make_submission(["screen", "x"], name)


def test_the_longest_name_fits_kuberay() -> None:
    assert len(make_submission(["screen", "x"], "a" * LONGEST_NAME).name(999999999)) <= 47
