"""Draws lines of made-up text, as machines burn them into pixels."""

from __future__ import annotations

import functools
import string
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINING_FACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "cmb10",
    "cmtt10",
    "hershey-0",
    "hershey-2",
)
"""Faces that text is trained on: matplotlib's DejaVu and Computer Modern, and OpenCV's Hershey (simplex, duplex)."""

TEST_FACES = ("DejaVuSerif", "STIXGeneral", "cmss10", "hershey-1", "hershey-3", "hershey-4")
"""Faces that only the benchmark uses."""

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_HERSHEY = "hershey-"
_FAMILY = (
    "SMITH JOHNSON GARCIA MUELLER NGUYEN KOWALSKI ROSSI IVANOVA TANAKA SILVA OKAFOR HADDAD JENSEN DUBOIS NOVAK "
    "PAPADOPOULOS"
).split()
_GIVEN = "Anna John Maria Ahmed Wei Olga Pierre Fatima Lars Priya Carlos Ines Yusuf Emma Noah Zofia".split()
_PLACES = "ST MARY HOSPITAL|Klinikum Nord|General Clinic|Univ. Med. Center|RADIOLOGY DEPT|Centro Medico".split("|")
_LABELS = "ID DOB Name Acc MRN Date Pat. Ref Dr. Exam Age".split()
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn line.

    Attributes:
        ink: Shape [row, column], 0 to 1: how much of a pixel the letters cover.
        text: What it says.
    """

    ink: NDArray[np.float32]
    text: str


def draw_line(random: np.random.Generator, *, faces: tuple[str, ...], heights: tuple[int, int] = (9, 34)) -> Line:
    """A line of made-up words, dates or numbers.

    Args:
        random: Where all choices come from.
        faces: One of them is used.
        heights: Range of the letters' size in pixels, both included.
    """
    text, face = made_up(random), faces[random.integers(len(faces))]
    size = int(np.exp(random.uniform(np.log(heights[0]), np.log(heights[1] + 1))))
    ink = _hershey(text, int(face.removeprefix(_HERSHEY)), size, random) if _HERSHEY in face else _set(text, face, size)
    return Line(_cropped(ink), text)


def made_up(random: np.random.Generator) -> str:
    """A name, a date, a number, a place, or letters at random; four characters at least."""
    makers = (_name, _date, _number, _place, _labelled, _letters)
    return makers[random.integers(len(makers))](random)


def draw_mark(random: np.random.Generator, *, faces: tuple[str, ...]) -> NDArray[np.float32]:
    """A side marker: one letter, which names nobody."""
    face, size = faces[random.integers(len(faces))], int(random.integers(14, 60))
    letter = "LRlr"[random.integers(4)]
    return _cropped(_hershey(letter, int(face[-1]), size, random) if _HERSHEY in face else _set(letter, face, size))


def _pick(random: np.random.Generator, choices: list[str]) -> str:
    return choices[random.integers(len(choices))]


def _name(random: np.random.Generator) -> str:
    family, given = _pick(random, _FAMILY), _pick(random, _GIVEN)
    return _pick(random, [f"{family}^{given.upper()}", f"{given} {family.title()}", f"{family}, {given}", family])


def _date(random: np.random.Generator) -> str:
    year, month, day = random.integers(1920, 2026), random.integers(1, 13), random.integers(1, 29)
    return _pick(
        random,
        [
            f"{year}-{month:02}-{day:02}",
            f"{day:02}.{month:02}.{year}",
            f"{month}/{day}/{year} {random.integers(24):02}:{random.integers(60):02}",
            f"{day} {_MONTHS[month - 1]} {year}",
            f"{year}{month:02}{day:02}",
        ],
    )


def _number(random: np.random.Generator) -> str:
    digits = "".join(str(digit) for digit in random.integers(0, 10, random.integers(4, 12)))
    return _pick(
        random, [digits, f"{digits[:3]}-{digits[3:]}", f"{_pick(random, list(string.ascii_uppercase))}{digits}"]
    )


def _place(random: np.random.Generator) -> str:
    return _pick(random, _PLACES)


def _labelled(random: np.random.Generator) -> str:
    value = _pick(random, [_name(random), _date(random), _number(random)])
    return f"{_pick(random, _LABELS)}{_pick(random, [': ', ' ', '='])}{value}"


def _letters(random: np.random.Generator) -> str:
    alphabet = list(_pick(random, [string.ascii_uppercase, string.ascii_letters, string.ascii_letters + string.digits]))
    words = ["".join(random.choice(alphabet, random.integers(2, 9))) for _ in range(random.integers(1, 4))]
    return " ".join([*words, "".join(random.choice(alphabet, 4))])


@functools.lru_cache(maxsize=512)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS / f"{face}.ttf"), size)


def _set(text: str, face: str, size: int) -> NDArray[np.float32]:
    font = _font(face, size)
    left, top, right, bottom = font.getbbox(text)
    page = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(page).text((2 - left, 2 - top), text, fill=255, font=font)
    return np.asarray(np.asarray(page) / 255, np.float32)


def _hershey(text: str, face: int, size: int, random: np.random.Generator) -> NDArray[np.float32]:
    scale, thickness = size / 28, int(random.integers(1, max(2, size // 9) + 1))
    (width, height), below = cv2.getTextSize(text, face, scale, thickness)
    page = np.zeros((height + below + 2 * thickness + 4, width + 2 * thickness + 4), np.uint8)
    cv2.putText(page, text, (thickness + 2, height + thickness + 2), face, scale, 255, thickness, cv2.LINE_AA)
    return np.asarray(page / 255, np.float32)


def _cropped(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(ink.max(1) > 0), np.flatnonzero(ink.max(0) > 0)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
