"""Which document a client accepts (RFC 9110, 12.5.1)."""

from __future__ import annotations

from typing import TypeVar

JSON, FHIR, DICOM = "application/json", "application/fhir+json", "application/dicom"
T = TypeVar("T", bound=str)


def choose(accept: str | None, offered: tuple[T, ...]) -> T | None:
    """The offered media type that a client likes best; the first offered where it does not say; None where none fits.

    Args:
        accept: The header.
        offered: In our order.
    """
    if not accept or not accept.strip():
        return offered[0]
    wishes = [_wish(part) for part in accept.split(",") if part.strip()]
    graded = [(_grade(kind, wishes), -place, kind) for place, kind in enumerate(offered)]
    best, _, kind = max(graded, key=lambda one: one[:2])
    return kind if best > 0 else None


def _wish(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    weight, related = 1.0, ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "q":
            weight = _number(value)
        elif name.strip().lower() == "type":
            related = value
    # PS3.18, 8.7.3: multipart/related; type="application/dicom" asks for parts of that kind
    return (related or kind).lower(), weight


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


def _grade(kind: str, wishes: list[tuple[str, float]]) -> float:
    """The weight of the most specific wish that fits."""
    family = kind.partition("/")[0]
    for pattern in (kind, f"{family}/*", "*/*"):
        weights = [weight for wish, weight in wishes if wish == pattern]
        if weights:
            return max(weights)
    return 0.0
