from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cluster.submission.clock import certificate_error, or_clock, skew_s
from cluster.submission.kubetrouble import translate
from sievert.errors import ClockError, CredentialsError

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("ahead_s", [-3600, 0, 3600])
def test_how_far_the_clock_is_off_is_measured_by_the_answer(ahead_s: int) -> None:
    theirs = format_datetime(NOON - timedelta(seconds=ahead_s), usegmt=True)
    assert skew_s(theirs, NOON) == ahead_s


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_without_a_date_the_clock_is_not_blamed(date: str | None) -> None:
    error = CredentialsError("expired")
    assert or_clock(error, date) is error


def test_a_certificate_that_is_not_valid_yet_is_the_clocks_fault() -> None:
    text = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid (_ssl.c:1006)"
    assert isinstance(certificate_error(text), ClockError)
    assert isinstance(translate(RuntimeError(text), "clinic"), ClockError)
    assert certificate_error("self-signed certificate") is None
