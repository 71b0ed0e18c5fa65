"""Sections of docs/scale.md that a command writes: each figure there is one that was printed."""

from __future__ import annotations

import re

from cohorts import ROOT

PAGE = ROOT / "docs" / "scale.md"


def write_section(name: str, text: str) -> None:
    """Replace what stands between a section's two marks."""
    marks = (f"<!-- {name} -->", f"<!-- end of {name} -->")
    page = PAGE.read_text("utf-8")
    pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"docs/scale.md has no section {name}")
    PAGE.write_text(pattern.sub(lambda _: f"{marks[0]}\n{text.strip()}\n{marks[1]}", page), "utf-8")
