"""Plants made-up text into pictures and says where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.textfinder.boxes import Box
from models.textfinder.lettering import draw_line, draw_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEAST_CONTRAST = 0.25
_TRIES = 8
_PLATE = 3
"""Pixels by which a plate under the text is larger than the text."""


@dataclass(slots=True)
class Planted:
    """A picture with text.

    Attributes:
        picture: Shape [row, column], 0 to 1.
        ink: Shape [row, column]: which pixels a letter covers.
        boxes: One for each line.
        texts: What the lines say.
    """

    picture: NDArray[np.float32]
    ink: NDArray[np.bool_]
    boxes: list[Box]
    texts: list[str]


def plant(
    picture: NDArray[np.float32],
    random: np.random.Generator,
    *,
    faces: tuple[str, ...],
    lines: int,
    heights: tuple[int, int] = (9, 34),
) -> Planted:
    """Burn lines of text into a copy of a picture; a line that finds no free place is left out.

    Args:
        picture: Shape [row, column], 0 to 1.
        random: Where all choices come from.
        faces: Typefaces to choose from.
        lines: How many to try.
        heights: Range of the letters' size in pixels.
    """
    done = Planted(picture.copy(), np.zeros(picture.shape, bool), [], [])
    for _ in range(lines):
        line = draw_line(random, faces=faces, heights=heights)
        if (box := _free_place(done, line.ink.shape, random)) is not None:
            _burn(done, line.ink, box, random)
            done.texts.append(line.text)
    return done


def plant_marks(picture: NDArray[np.float32], random: np.random.Generator, *, faces: tuple[str, ...]) -> None:
    """Draw what is no text into a picture, in place: a side marker, a ruler, a frame, a bar, an arrow."""
    for _ in range(random.integers(0, 4)):
        _MARKS[random.integers(len(_MARKS))](picture, random, faces)


def _free_place(done: Planted, shape: Sequence[int], random: np.random.Generator) -> Box | None:
    rows, columns = done.picture.shape
    if shape[0] + 2 > rows or shape[1] + 2 > columns:
        return None
    for _ in range(_TRIES):
        top, left = int(random.integers(rows - shape[0])), int(random.integers(columns - shape[1]))
        box = Box(top, left, top + shape[0], left + shape[1])
        if not done.ink[max(0, top - 4) : box.bottom + 4, max(0, left - 8) : box.right + 8].any():
            return box
    return None


def _burn(done: Planted, ink: NDArray[np.float32], box: Box, random: np.random.Generator) -> None:
    if random.random() < 0.15:  # noqa: PLR2004 - some machines put a plate under their text
        plate = done.picture[
            max(0, box.top - _PLATE) : box.bottom + _PLATE, max(0, box.left - _PLATE) : box.right + _PLATE
        ]
        plate[:] = random.choice([0.0, 0.0, 1.0, random.random()])
    under = done.picture[box.part]
    colour, soft = _colour(under, random), cv2.GaussianBlur(ink, (0, 0), random.uniform(0.3, 0.8))
    share = np.maximum(ink * 0.5, soft) if random.random() < 0.5 else ink  # noqa: PLR2004
    under[:] = under * (1 - share) + colour * share
    done.ink[box.part] |= ink > 0.3  # noqa: PLR2004
    done.boxes.append(box)


def _colour(under: NDArray[np.float32], random: np.random.Generator) -> float:
    """White mostly; never so near to what lies under it that nobody could read it."""
    ground = float(under.mean())
    wanted = float(random.choice([1.0, 1.0, 1.0, 0.0, random.uniform(0.5, 1.0), random.random()]))
    if abs(wanted - ground) >= _LEAST_CONTRAST:
        return wanted
    return 1.0 if ground < 0.5 else 0.0  # noqa: PLR2004


def _letter(picture: NDArray[np.float32], random: np.random.Generator, faces: tuple[str, ...]) -> None:
    ink = draw_mark(random, faces=faces)
    rows, columns = picture.shape
    if ink.shape[0] < rows and ink.shape[1] < columns:
        top, left = random.integers(rows - ink.shape[0]), random.integers(columns - ink.shape[1])
        under = picture[top : top + ink.shape[0], left : left + ink.shape[1]]
        under[:] = under * (1 - ink) + ink * random.choice([1.0, 1.0, 0.0])


def _ruler(picture: NDArray[np.float32], random: np.random.Generator, faces: tuple[str, ...]) -> None:  # noqa: ARG001
    at, step, colour = (
        int(random.integers(picture.shape[1])),
        int(random.integers(4, 24)),
        float(random.choice([1, 0.8])),
    )
    for number, row in enumerate(range(int(random.integers(40)), picture.shape[0] - int(random.integers(40)), step)):
        cv2.line(picture, (at, row), (at + (10 if number % 5 == 0 else 5), row), colour, 1)


def _outline(picture: NDArray[np.float32], random: np.random.Generator, faces: tuple[str, ...]) -> None:  # noqa: ARG001
    first, second = (tuple(int(side) for side in random.integers(0, picture.shape[::-1])) for _ in range(2))
    draw = (cv2.rectangle, cv2.line, cv2.arrowedLine)[random.integers(3)]
    draw(picture, first, second, float(random.choice([1, 0.7, 0])), int(random.integers(1, 4)))


def _bar(picture: NDArray[np.float32], random: np.random.Generator, faces: tuple[str, ...]) -> None:  # noqa: ARG001
    rows, columns = picture.shape
    top, left = int(random.integers(rows // 2)), int(random.integers(max(1, columns - 24)))
    part = picture[top : top + rows // 3, left : left + int(random.integers(6, 24))]
    part[:] = np.linspace(1, 0, part.shape[0], dtype=np.float32)[:, None]


_MARKS = (_letter, _letter, _ruler, _outline, _outline, _bar)
