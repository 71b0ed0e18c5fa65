"""As much of PromQL as the tests need: tokens, brackets, and which series an expression asks for."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""\s+|(?P<text>"[^"\\]*")|(?P<duration>\d+(?:ms|[smhdwy])\b|\$__rate_interval)|(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)
    |(?P<word>[a-zA-Z_:][\w:]*)|(?P<sign>[-+*/%^(){}\[\],]|=~|!~|!=|==|>=|<=|=|>|<)""",
    re.VERBOSE,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_FUNCTIONS = frozenset({"rate", "increase", "sum", "clamp_min", "histogram_quantile"})
_WORDS = _FUNCTIONS | {"by", "and", "or", "unless"}


def tokens_of(expression: str) -> list[tuple[str, str]]:
    """Kind and text of each token.

    Raises:
        ValueError: Something is no PromQL, or a bracket is not closed.
    """
    found, at, opened = list[tuple[str, str]](), 0, list[str]()
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        if token is None:
            raise ValueError(f"no PromQL: {expression[at : at + 20]}")
        at = token.end()
        if token.lastgroup is None:
            continue
        text = token.group()
        found.append((token.lastgroup, text))
        if text in _PAIRS.values():
            opened.append(text)
        elif text in _PAIRS and (not opened or opened.pop() != _PAIRS[text]):
            raise ValueError(f"a bracket of {expression} has no other")
    if opened:
        raise ValueError(f"a bracket of {expression} is not closed")
    return found


def series_of(expression: str) -> dict[str, set[str]]:
    """The series that an expression asks for, each with the labels that it is chosen or grouped by."""
    found: dict[str, set[str]] = {}
    tokens, groups, inside, last = tokens_of(expression), set[str](), "", ""
    for place, (kind, text) in enumerate(tokens):
        before = tokens[place - 1][1] if place else ""
        if text == "(":
            inside = "by" if before == "by" else inside
        elif text == "{":
            inside = "chosen"
        elif text in (")", "}"):
            inside = ""
        elif kind == "word" and inside == "by":
            groups.add(text)
        elif kind == "word" and inside == "chosen":
            found[last].add(text)
        elif kind == "word" and text not in _WORDS:
            last = text
            found.setdefault(last, set())
    return {name: labels | groups for name, labels in found.items()}
