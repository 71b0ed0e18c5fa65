"""The worklist as clinicians use it, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipelines.cohort.simulated import write_simulated_cohort
from serve.page.query import CaseQuery
from tests.browsing import chromium, violations
from tests.jobs import Job, finish_job
from tests.worklist import Desk, open_desk, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from serve.page.case import CaseRow

    Open = Callable[..., Page]

STUDIES = 24
DRAWN = "[data-canvas][data-drawn]"
SUM = "canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
PIXELS = SUM + " let s = 0; for (let i = 0; i < d.length; i += 1) s = (s * 31 + d[i]) >>> 0; return s; }"
GREY = SUM + " let s = 0; for (let i = 0; i < d.length; i += 4) s += d[i]; return s / (d.length / 4); }"
COLOURED = SUM + " let n = 0; for (let i = 0; i < d.length; i += 4) n += Math.abs(d[i] - d[i + 2]) > 8; return n; }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Simulated chest radiographs: all kinds of answers, sixteen bits of grey, some patients with several pictures."""
    home = tmp_path_factory.mktemp("worklist")
    write_simulated_cohort(home / "cohort", studies=STUDIES)
    return finish_job([str(home / "cohort")], home)


@pytest.fixture
def desk(job: Job, tmp_path: Path) -> Iterator[Desk]:
    made = open_desk(job.out.path, job.keys, job.ledger, tmp_path / "state")
    yield made
    made.reviews.close()


@pytest.fixture
def site(desk: Desk) -> Iterator[str]:
    with served(desk.app) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Open]:
    contexts, complaints = [], list[str]()

    def opened(where: str = "/", *, who: str = "ada", **how: Any) -> Page:  # noqa: ANN401 - the browser's own options
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", **how})
        contexts.append(context)
        context.add_cookies([{"name": "who", "value": who, "url": site}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site + where)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [said for said in complaints if "409" not in said] == []


def list_all(desk: Desk) -> list[CaseRow]:
    return desk.book.page(CaseQuery(size=200), me="").rows


def first_case(desk: Desk, urgency: str = "", *, mapped: bool = False) -> str:
    found = next(
        row
        for row in list_all(desk)
        if urgency in {"", row.urgency} and (not mapped or desk.book.open(row).get("explanation"))
    )
    return f"/cases/{found.job}/{found.record}"


def test_the_list_sorts_filters_and_opens_a_case(open_page: Open, desk: Desk) -> None:
    page = open_page()
    assert page.locator(".cases tbody tr").count() == len(list_all(desk))
    page.click("th.at-probability a")
    shown = [float(one) for one in page.locator("td.at-probability").all_inner_texts() if one[0].isdigit()]
    assert shown == sorted(shown, reverse=True)
    page.click(".tabs a:has-text('Quarantined')")
    assert page.locator(".cases tbody tr").count() == sum(row.urgency == "quarantined" for row in list_all(desk))
    page.click(".tabs a:has-text('All')")
    page.fill("input[name=text]", "zzz")
    page.click("button:has-text('Filter')")
    assert "No case is left" in page.inner_text("main")
    page.click("text=Clear")
    page.locator(".cases .go").first.click()
    page.wait_for_selector(DRAWN)


def test_the_map_goes_on_and_off_and_its_opacity_shows(open_page: Open, desk: Desk) -> None:
    page = open_page(first_case(desk, mapped=True))
    canvas = page.wait_for_selector(DRAWN)
    assert canvas is not None
    assert canvas.evaluate(COLOURED) > 100
    page.click("[data-do=overlay]")
    page.wait_for_timeout(100)
    assert canvas.evaluate(COLOURED) == 0
    page.keyboard.press("o")
    page.wait_for_timeout(100)
    before = canvas.evaluate(PIXELS)
    page.fill("[data-opacity]", "90")
    page.wait_for_timeout(100)
    assert canvas.evaluate(PIXELS) != before
    page.select_option("[data-colours]", "lines")
    page.wait_for_timeout(100)
    assert canvas.evaluate(COLOURED) > 0


def test_window_level_zoom_and_inversion_change_what_is_seen(open_page: Open, desk: Desk) -> None:
    page = open_page(first_case(desk, "negative"))
    canvas = page.wait_for_selector(DRAWN)
    assert canvas is not None
    plain, grey = canvas.evaluate(PIXELS), canvas.evaluate(GREY)
    box = canvas.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0], middle[1] - 120, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert canvas.evaluate(GREY) < grey - 5  # a higher level is a darker picture
    page.keyboard.press("r")
    page.wait_for_timeout(100)
    assert canvas.evaluate(PIXELS) == plain
    for key in ("i", "1", "+", "Shift+ArrowRight"):
        before = canvas.evaluate(PIXELS)
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        assert canvas.evaluate(PIXELS) != before, key
    page.keyboard.press("r")
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(100)
    assert canvas.evaluate(PIXELS) != plain


def test_a_case_is_read_and_acknowledged_by_keys_alone(open_page: Open, desk: Desk) -> None:
    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector(DRAWN)
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.wait_for_selector("text=Acknowledged.")
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda address: address.split("?")[0] != first.split("?")[0])
    page.keyboard.press("u")
    page.wait_for_selector(".cases")
    assert page.locator(".cases .state").first.inner_text() == "acknowledged"
    job, record = first.split("?")[0].rsplit("/", 2)[1:]
    assert desk.reviews.standing(job, record).state == "acknowledged"


def test_a_disagreement_needs_a_reason_and_becomes_a_label(open_page: Open, desk: Desk) -> None:
    page = open_page(first_case(desk))
    page.keyboard.press("d")
    page.keyboard.press("Tab")
    page.click("#disagree button")
    assert desk.reviews.labels() == []  # the browser asks for the reason first
    page.select_option("select[name=reason]", "other-finding")
    page.select_option("select[name=label]", "pneumonia")
    page.fill("textarea", "left apex")
    page.click("#disagree button")
    page.wait_for_selector("text=Your disagreement is kept.")
    assert "left apex" in page.inner_text(".history")
    assert [(one["label"], one["note"]) for one in desk.reviews.labels()] == [("pneumonia", "left apex")]
    page.click("text=Take back the last review")
    page.wait_for_selector("text=taken back")
    assert desk.reviews.labels() == []


def test_the_later_of_two_is_told_what_the_other_did(open_page: Open, desk: Desk) -> None:
    case = first_case(desk)
    ada, bob = open_page(case, who="ada"), open_page(case, who="bob")
    ada.click("#acknowledge button")
    ada.wait_for_selector("text=Acknowledged.")
    bob.click("#acknowledge button")
    told = bob.wait_for_selector("[role=alert]")
    assert told is not None
    assert "ada has said" in told.inner_text()
    bob.click("#acknowledge button")
    bob.wait_for_selector("text=Acknowledged.")


def test_a_case_is_assigned_and_found_by_who_has_to_look(open_page: Open, desk: Desk) -> None:
    page = open_page(first_case(desk))
    page.keyboard.press("s")
    page.fill("input[name=assignee]", "bob")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The assignment is kept.")
    mine = open_page("/?state=mine", who="bob")
    assert mine.locator(".cases tbody tr").count() == 1


def test_the_badge_is_green_and_turns_red_after_one_flipped_byte(
    browser: Browser, copy_of_finished: Job, tmp_path: Path
) -> None:
    desk = open_desk(copy_of_finished.out.path, copy_of_finished.keys, copy_of_finished.ledger, tmp_path / "state")
    with served(desk.app) as address:
        page = browser.new_page(color_scheme="dark")
        page.context.add_cookies([{"name": "who", "value": "ada", "url": address}])
        page.goto(address + first_case(desk))
        page.wait_for_selector("[data-state=verified] >> text=Verified on ledger")
        file = copy_of_finished.out.shard(1)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        page.reload()
        page.wait_for_selector("[data-state=tampered] >> text=Not what was anchored")
        red = page.evaluate("getComputedStyle(document.querySelector('[data-state]')).backgroundColor")
        assert red == "rgb(163, 39, 31)"
        assert "shard-00001" in page.inner_text("[data-state]")
        page.close()
    desk.reviews.close()


def test_a_phone_scrolls_in_one_direction_only(open_page: Open, desk: Desk) -> None:
    for where in ("/", first_case(desk, mapped=True), first_case(desk, "quarantined"), "/audit"):
        page = open_page(where, who="root", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, where


def test_print_has_the_case_and_nothing_to_press(open_page: Open, desk: Desk) -> None:
    page = open_page(first_case(desk, mapped=True))
    page.wait_for_selector(DRAWN)
    page.emulate_media(media="print")
    assert not page.locator("#acknowledge button").is_visible()
    assert not page.locator("[data-tools]").is_visible()
    assert page.locator(DRAWN).is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_the_theme_follows_the_system_and_the_switch_overrules_it(open_page: Open) -> None:
    page = open_page("/", color_scheme="light")
    back = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(back)
    page.click("[data-theme-switch]")
    dark = page.evaluate(back)
    assert light != dark
    page.reload()
    assert page.evaluate(back) == dark


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_serious_barrier_on_any_page(open_page: Open, desk: Desk, theme: str) -> None:
    cases = [first_case(desk, urgency) for urgency in ("positive", "uncertain", "quarantined", "negative")]
    for where in ("/", "/?text=zzz", "/audit", *cases):
        page = open_page(where, who="root", color_scheme=theme)
        if where.startswith("/cases"):
            page.wait_for_selector("[data-state]")
            page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        assert violations(page) == [], where
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        assert violations(page) == [], f"help on {where}"


def test_other_pictures_of_the_patient_are_scrolled_through(open_page: Open, desk: Desk) -> None:
    row = next(row for row in list_all(desk) if len(desk.book.stack(row)) > 1)
    page = open_page(f"/cases/{row.job}/{row.record}")
    canvas = page.wait_for_selector(DRAWN)
    assert canvas is not None
    here, before = page.inner_text("[data-slice-told]"), canvas.evaluate(PIXELS)
    page.keyboard.press("]")
    page.keyboard.press("[") if page.inner_text("[data-slice-told]") == here else None
    page.wait_for_timeout(1000)
    assert canvas.evaluate(PIXELS) != before
    assert page.inner_text("[data-slice-told]") != here
    page.click("[data-slice-open]")
    page.wait_for_selector("[data-slice-told]:has-text('this case')")


def test_without_scripts_a_case_can_be_seen_and_reviewed(open_page: Open, desk: Desk) -> None:
    page = open_page(first_case(desk), java_script_enabled=False)
    assert page.locator("img.preview").is_visible()
    page.click("#acknowledge button")
    assert "Acknowledged." in page.inner_text("[data-said]")
