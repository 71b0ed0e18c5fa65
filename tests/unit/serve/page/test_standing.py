from __future__ import annotations

from dataclasses import replace

from serve.page.standing import Deed, Entry, standing_of

AT = "2026-01-01T10:00:00+00:00"


def entries(*said: Entry) -> list[Entry]:
    return [replace(one, version=place) for place, one in enumerate(said, start=1)]


def said(deed: Deed, assignee: str = "") -> Entry:
    return Entry("j", "r", 0, AT, deed, "ada", assignee=assignee)


def test_a_case_of_which_nothing_was_said_is_open() -> None:
    assert standing_of("j", "r", []).state == "open"


def test_the_last_word_gives_the_state_and_an_assignment_does_not_change_it() -> None:
    history = entries(said(Deed.DISAGREE), said(Deed.ACKNOWLEDGE), said(Deed.ASSIGN, assignee="bob"))
    standing = standing_of("j", "r", history)
    assert (standing.state, standing.assignee, standing.version) == ("acknowledged", "bob", 3)


def test_an_undo_takes_back_one_thing_and_a_second_one_another() -> None:
    said_first = entries(said(Deed.ACKNOWLEDGE), said(Deed.DISAGREE), said(Deed.UNDO))
    assert standing_of("j", "r", said_first).state == "acknowledged"
    assert standing_of("j", "r", entries(*said_first, said(Deed.UNDO))).state == "open"


def test_an_undo_of_nothing_is_harmless() -> None:
    assert standing_of("j", "r", entries(said(Deed.UNDO), said(Deed.ACKNOWLEDGE))).state == "acknowledged"
