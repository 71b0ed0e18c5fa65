from __future__ import annotations

from dataclasses import replace

import pytest

from serve.page.case import NO_NUMBER, URGENCIES, CaseRow
from serve.page.casetable import CaseTable
from serve.page.query import CaseQuery
from serve.page.standing import Standing

JOB = "a" * 64


def row(number: int, urgency: str, probability: float, **more: str) -> CaseRow:
    made = CaseRow(
        job=JOB,
        record=f"{number:032x}",
        shard=0,
        place=number,
        urgency=urgency,
        priority=2 * URGENCIES.index(urgency) + 1 - probability,
        probability=probability,
        confidence=max(probability, 1 - probability),
        modality="CR",
        body_part="CHEST",
        model="m 1",
        time=f"2026-01-{number + 1:02d}T00:00:00+00:00",
        reason="format.empty" if urgency == "quarantined" else "",
        patient=f"{number // 2:032x}",
    )
    return replace(made, **more)  # type: ignore[arg-type] # the test names text fields only


@pytest.fixture
def table() -> CaseTable:
    made = CaseTable()
    made.add(
        [
            row(0, "negative", 0.1),
            row(1, "positive", 0.8, modality="DX"),
            row(2, "quarantined", NO_NUMBER),
            row(3, "positive", 0.95),
            row(4, "uncertain", 0.5),
        ]
    )
    return made


def places(table: CaseTable, **asked: object) -> list[int]:
    return [one.place for one in table.page(CaseQuery.model_validate(asked), me="ada").rows]


def test_the_most_urgent_come_first_and_the_more_probable_before_the_less(table: CaseTable) -> None:
    assert places(table) == [3, 1, 4, 2, 0]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"urgency": "positive"}, [3, 1]),
        ({"modality": "DX"}, [1]),
        ({"since": "2026-01-03", "until": "2026-01-04"}, [3, 2]),
        ({"text": "0" * 30 + "04"}, [4]),
        ({"job": "b" * 64}, []),
        ({"sort": "probability", "order": "down"}, [3, 1, 4, 0, 2]),
        ({"sort": "time", "order": "up"}, [0, 1, 2, 3, 4]),
        ({"size": 2, "page": 2}, [4, 2]),
        ({"text": "' OR 1=1 --"}, []),
    ],
)
def test_filters_order_and_pages(table: CaseTable, asked: dict[str, object], found: list[int]) -> None:
    assert places(table, **asked) == found


def test_counts_are_of_every_urgency_whichever_is_asked_for(table: CaseTable) -> None:
    page = table.page(CaseQuery(urgency="positive"), me="ada")
    assert page.counts == {"positive": 2, "uncertain": 1, "quarantined": 1, "negative": 1}
    assert page.total == 2


def test_reviews_change_what_is_open_and_whose_a_case_is(table: CaseTable) -> None:
    table.review([Standing(JOB, f"{3:032x}", 1, "acknowledged", "ada")])
    assert places(table, state="open") == [1, 4, 2, 0]
    assert places(table, state="mine") == [3]
    assert table.page(CaseQuery(state="mine"), me="bob").rows == []


@pytest.mark.parametrize(
    "asked", [{}, {"sort": "probability", "order": "down"}, {"sort": "modality"}, {"urgency": "positive"}]
)
def test_going_from_case_to_case_goes_through_the_list_as_it_is_sorted_and_filtered(
    table: CaseTable, asked: dict[str, str]
) -> None:
    query = CaseQuery.model_validate(asked)
    rows = table.page(query, me="ada").rows
    for before, here, behind in zip([None, *rows], rows, [*rows[1:], None], strict=False):
        assert table.neighbours(here, query, me="ada") == (before, behind)


def test_a_stack_is_the_screened_pictures_of_one_patient(table: CaseTable) -> None:
    found = table.find(JOB, f"{3:032x}")
    assert found is not None
    assert [one.place for one in table.stack(found)] == [3]  # the other of this patient was quarantined


def test_a_case_that_comes_twice_is_there_once(table: CaseTable) -> None:
    table.add([row(3, "positive", 0.95)])
    assert len(places(table)) == 5


def test_links_leave_out_what_is_as_usual_and_begin_anew_with_another_filter() -> None:
    query = CaseQuery(urgency="positive", page=7)
    assert query.link() == "urgency=positive"
    assert query.link(page=8) == "urgency=positive&page=8"
    assert CaseQuery(text="a&b=<").link() == "text=a%26b%3D%3C"


@pytest.mark.parametrize("spelt", ["0" * 31 + "A", "00 " * 16, "0" * 31, "..", "0" * 30 + "zz"])
def test_an_id_has_one_spelling(table: CaseTable, spelt: str) -> None:
    assert table.find(JOB, "0" * 31 + "1") is not None
    assert table.find(JOB, spelt) is None
    assert table.find(JOB.upper(), "0" * 31 + "1") is None
