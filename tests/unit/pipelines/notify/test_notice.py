"""The id by which receivers drop repeats."""

from __future__ import annotations

from pipelines.notify.notice import notice_id


def test_a_record_has_one_id_for_ever_and_no_other_record_has_it() -> None:
    assert notice_id("a" * 64, "b" * 32) == "89a7af5b55eedc25687cdf50a9daf56e"
    assert notice_id("a" * 64, "b" * 32) != notice_id("b" * 64, "a" * 32)
