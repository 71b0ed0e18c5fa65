"""A real Chromium for tests of pages, and axe-core to look for what people with other senses would stumble over."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync".split()
)
AXE = Path(__file__).parent.parent / ".services" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is absent: run `make install`")
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is absent: run `make services`")
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def violations(page: Page) -> list[tuple[str, str]]:
    """Serious and critical violations on a page: the rule, and where."""
    if not AXE.exists():
        pytest.skip("axe-core is absent: run `make services`")
    page.evaluate(AXE.read_text("utf-8"))  # as a tool would: the page's policy lets no foreign script in
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (one["id"], node["html"]) for one in found["violations"] if one["impact"] in SERIOUS for node in one["nodes"]
    ]
