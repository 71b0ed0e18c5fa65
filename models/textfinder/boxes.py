"""Rectangles of pixels."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle; bottom and right are not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Rows and columns, as an index of a picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def scaled(self, factor: int) -> Box:
        """The same place in a picture that is larger by a factor."""
        return Box(*(side * factor for side in self))

    def grown(self, rows: int, columns: int, shape: tuple[int, ...]) -> Box:
        """With so many rows above and below and columns on either side, within a picture of that shape."""
        bottom, right = min(self.bottom + rows, shape[0]), min(self.right + columns, shape[1])
        return Box(max(self.top - rows, 0), max(self.left - columns, 0), max(bottom, 0), max(right, 0))

    def touches(self, other: Box) -> bool:
        """Whether both have a pixel in common, or an edge."""
        rows = self.top <= other.bottom and other.top <= self.bottom
        return rows and self.left <= other.right and other.left <= self.right

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(*(min(pair) for pair in zip(self[:2], other[:2], strict=True)), *(map(max, self[2:], other[2:])))


def merged(boxes: list[Box]) -> tuple[Box, ...]:
    """Boxes that touch become one, until none does; in reading order."""
    done: list[Box] = []
    for box in boxes:
        grown = box
        while (near := next((other for other in done if grown.touches(other)), None)) is not None:
            done.remove(near)
            grown = grown.joined(near)
        done.append(grown)
    return tuple(sorted(done))
