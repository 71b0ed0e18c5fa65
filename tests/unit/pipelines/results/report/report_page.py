"""Reads a report as a browser and a reader would."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """What a page is made of; fails where an element is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._part(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += "" if "style" in self.open else data

    def _part(self, tag: str) -> None:
        """Words of two elements are two words, but for code within a sentence."""
        self.text += "" if tag == "code" else " "


def said(html: str) -> str:
    """The page's text on one line, with plain spaces."""
    return " ".join(Page(html).text.split())
