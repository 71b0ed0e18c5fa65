"""The worklist behind the real guard: signing in, reviewing with a session, signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from serve.access.guard import Guard
from serve.access.middleware import SIGN_OUT, AccessMiddleware, Doors
from serve.access.signin import sign_in_router
from serve.page.casebook import CaseBook
from serve.page.reviews import Reviews
from serve.page.router import CONTENT_POLICY, OPEN_PREFIXES, PAGES, page_router
from serve.page.verification import Verifier
from sievert.settings import ServeSettings
from tests.browsing import chromium, violations
from tests.worklist import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.jobs import Job


@pytest.fixture
def token_and_address(finished: Job, tmp_path: Path) -> Iterator[tuple[str, str]]:
    guard = Guard(ServeSettings(), tmp_path / "state")
    token = guard.runs.begin(one_time=True)
    assert token is not None
    reviews = Reviews(tmp_path / "state", identity_key=finished.keys.identity_key)
    book = CaseBook(finished.out.path, finished.keys, reviews)
    book.refresh()
    app = FastAPI()
    app.include_router(sign_in_router(guard))
    app.include_router(page_router(book, reviews, verifier=Verifier(book, finished.ledger), sign_out=SIGN_OUT))
    doors = Doors(open_prefixes=OPEN_PREFIXES, pages=PAGES, content_policy=CONTENT_POLICY)
    app.add_middleware(AccessMiddleware, guard=guard, max_body_bytes=1 << 20, doors=doors)
    with served(app) as address:
        yield token, address
    reviews.close()


def sign_in(page: Page, token: str) -> None:
    page.fill("#credential", token)
    page.keyboard.press("Enter")
    page.wait_for_selector(".cases")


def test_nothing_but_the_sign_in_page_and_assets_is_shown_before_signing_in(
    token_and_address: tuple[str, str],
) -> None:
    _, address = token_and_address
    for where in ("/", "/cases/a/b", "/cases/a/b/picture", "/audit", "/v1/cases", "/v1/cases/a/b"):
        assert httpx.get(address + where).status_code == 401, where
    led = httpx.get(address + "/cases/a/b", headers={"accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/cases/a/b")


def test_a_clinician_signs_in_reviews_and_signs_out(token_and_address: tuple[str, str]) -> None:
    token, address = token_and_address
    with chromium() as browser:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("response", lambda one: complaints.append(one.url) if one.status >= 400 else None)  # noqa: PLR2004, RUF100
        page.goto(address)
        sign_in(page, token)
        page.wait_for_selector(".cases .go")
        page.wait_for_load_state("load")  # before that nobody hears a key
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/cases/**")
        page.wait_for_selector("[data-state=verified]", timeout=90_000)
        page.wait_for_selector("[data-canvas][data-drawn]")
        page.keyboard.press("a")
        page.wait_for_selector("text=Acknowledged.")
        page.click("text=Sign out")
        page.wait_for_selector("#credential")
        assert [one for one in complaints if not one.endswith("/favicon.ico")] == []


def test_a_review_without_the_sessions_token_is_refused(token_and_address: tuple[str, str]) -> None:
    token, address = token_and_address
    with chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        sign_in(page, token)
        page.locator(".cases .go").first.click()
        page.wait_for_selector("#acknowledge button")
        page.evaluate("document.querySelector('#acknowledge [name=csrf]').value = 'guessed'")
        with page.expect_response("**/reviews*") as answered:
            page.click("#acknowledge button")
        assert answered.value.status == 403


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_serious_barrier_on_the_sign_in_page(token_and_address: tuple[str, str], theme: str) -> None:
    with chromium() as browser:
        page = browser.new_page(color_scheme="dark" if theme == "dark" else "light")
        page.goto(f"{token_and_address[1]}/sign-in")
        assert violations(page) == []
