"""Text of files and people on the worklist's pages: it is shown, and never runs."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from serve.page.case import CaseRow
from serve.page.casebook import CaseBook
from serve.page.query import CaseQuery
from serve.page.reviews import Said
from serve.page.standing import Deed
from tests.browsing import chromium
from tests.dicoms import chest, encoded
from tests.jobs import Job, finish_job
from tests.worklist import PEOPLE, open_desk, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

HOSTILE = "\"'><script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'><b id=made>{{ 7 * 7 }}"
PLACES = ("job", "record", "shard", "place", "priority", "probability", "confidence", "state")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def hostile(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The same, with every text in it replaced, keys too."""
    if isinstance(value, dict):
        return {HOSTILE: HOSTILE, **{name: hostile(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


def is_harmless(page: Page) -> bool:
    made = page.evaluate("document.querySelectorAll('#made, main script, img[src=x]').length")
    return page.evaluate("window.hurt") is None and made == 0


def visit(browser: Browser, address: str, where: str) -> Page:
    page = browser.new_page()
    page.context.add_cookies([{"name": "who", "value": "root", "url": address}])
    page.goto(address + where)
    return page


def test_html_in_dicom_text_is_text(browser: Browser, tmp_path: Path) -> None:
    named = chest(PatientID=HOSTILE[:60], AccessionNumber="<b id=made>", StudyDescription=HOSTILE[:60])
    (tmp_path / "one.dcm").write_bytes(encoded(named))
    job = finish_job([str(tmp_path / "one.dcm")], tmp_path)
    desk = open_desk(job.out.path, job.keys, job.ledger, tmp_path / "state")
    (row,) = desk.book.page(CaseQuery(), me="").rows
    with served(desk.app) as address:
        page = visit(browser, address, f"/cases/{row.job}/{row.record}")
        page.wait_for_selector("[data-state]")
        assert HOSTILE[:30] in page.inner_text("main")
        assert is_harmless(page)
        page.close()
    desk.reviews.close()


def test_html_in_any_field_of_a_record_or_review_is_text(
    browser: Browser, finished: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEOPLE, "root", replace(PEOPLE["root"], name=HOSTILE))
    desk = open_desk(finished.out.path, finished.keys, finished.ledger, tmp_path / "state")
    row = desk.book.page(CaseQuery(), me="").rows[0]
    said = Said(Deed.DISAGREE, HOSTILE, reason=HOSTILE, text=HOSTILE, label=HOSTILE)
    desk.reviews.add(row.job, row.record, said, patient=row.patient, seen=0)
    desk.reviews.add(row.job, row.record, Said(Deed.ASSIGN, HOSTILE, assignee=HOSTILE), patient=row.patient, seen=1)
    record = hostile(desk.book.open(row))
    bad: dict[str, Any] = {field.name: HOSTILE for field in fields(CaseRow) if field.name not in {*PLACES, "reason"}}
    for reason in ("", HOSTILE):
        made = replace(row, **bad, reason=reason, state="open")
        desk.book._table.drop_job(row.job)
        desk.book._table.add([made])
        with monkeypatch.context() as patched:
            patched.setattr(CaseBook, "open", lambda *_: record)
            patched.setattr(CaseBook, "warnings", lambda _: [HOSTILE])
            with served(desk.app) as address:
                for where in ("/", f"/cases/{row.job}/{row.record}", "/audit"):
                    page = visit(browser, address, where)
                    page.wait_for_timeout(300)
                    assert HOSTILE[:30] in page.inner_text("body"), where
                    assert is_harmless(page), where
                    page.close()
    desk.reviews.close()
