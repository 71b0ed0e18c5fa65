from __future__ import annotations

import pickle

import pytest

from sievert.errors import SievertError, all_errors
from sievert.errortext import read_error, write_error


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling_with_all_it_knows(kind: type[SievertError]) -> None:
    error = pickle.loads(pickle.dumps(kind("what", remedy="do", record="ab12", stage="admit")))  # noqa: S301 - our own
    assert type(error) is kind
    assert (error.message, error.remedy, error.record, error.stage) == ("what", "do", "ab12", "admit")


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_an_error_survives_a_channel_of_text(kind: type[SievertError]) -> None:
    error = read_error(write_error(kind("what", remedy="do", record="ab12", stage="admit")))
    assert type(error) is kind
    assert (error.message, error.remedy, error.record, error.stage) == ("what", "do", "ab12", "admit")


def test_exit_codes_differ_and_leave_the_shells_own_alone() -> None:
    codes = [kind.exit_code for kind in all_errors()]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 126 and code != 2 for code in codes)


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_next(kind: type[SievertError]) -> None:
    assert kind("what").remedy.endswith((".", "FOLDER.", "--root."))
    assert kind.__doc__


def test_the_docstring_draws_every_class_with_its_exit_code() -> None:
    import sievert.errors

    for kind in all_errors():
        line = next(line for line in (sievert.errors.__doc__ or "").splitlines() if f" {kind.__name__} " in f" {line} ")
        assert f" {kind.exit_code} " in line
