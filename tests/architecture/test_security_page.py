"""docs/security.md names a test for each promise; each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(r"`(test_\w+)`")


def test_every_test_that_the_security_page_names_is_there() -> None:
    there = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    named = NAME.findall((ROOT / "docs" / "security.md").read_text("utf-8"))
    assert named
    assert [name for name in named if f"def {name}(" not in there] == []


def test_every_promise_names_a_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    promises = page.split("## What is promised")[1].split("##")[0]
    rows = [line for line in promises.splitlines() if line.startswith("|")][2:]
    assert rows
    assert [row for row in rows if not NAME.search(row)] == []
