"""Finds inputs of a cohort that are the same file, the same pixels, or the same exposure stored in another way."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelines.admit.admission import decode
from pipelines.admit.reading import read_source
from pipelines.labelled.data import digest_pixels
from pipelines.preprocess.likeness import Fingerprint, fingerprint, near_duplicates
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from sievert.settings import AdmitSettings

SAME_FILE, SAME_PIXELS, NEAR = "same file", "same pixels", "near"
KINDS = (SAME_FILE, SAME_PIXELS, NEAR)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two inputs that are alike; the strongest kind that holds.

    Attributes:
        kind: One of `KINDS`.
        first: Path of the one that was met first; an identifier.
        second: Path of the other; an identifier.
    """

    kind: str
    first: str = field(repr=False)
    second: str = field(repr=False)


@dataclass(slots=True)
class Found:
    """What a search found.

    Attributes:
        inputs: How many were looked at.
        pairs: Each input that is like an earlier one, with the first that it is like; a near one with each.
        refused: Why inputs could not be decoded, with counts; equal files are found among them too.
    """

    inputs: int = 0
    pairs: list[Pair] = field(default_factory=list)
    refused: Counter[Reason] = field(default_factory=Counter)


def find_duplicates(sources: Iterable[str], policy: AdmitSettings, *, seen: Callable[[], None] = lambda: None) -> Found:
    """Look at every input once, one in memory at a time.

    Args:
        sources: As a cohort names them.
        policy: What may be decoded.
        seen: Called after each.

    Raises:
        StorageError: An object store does not answer.
    """
    found, names = Found(), list[str]()
    files, pixels, prints = list[bytes](), list[bytes | None](), list[Fingerprint | None]()
    for source in sources:
        file, pixel, taken = _looked_at(source, policy, found)
        names.append(source)
        files.append(file)
        pixels.append(pixel)
        prints.append(taken)
        seen()
    found.inputs = len(names)
    found.pairs = _pairs(names, files, pixels, prints)
    return found


def _looked_at(source: str, policy: AdmitSettings, found: Found) -> tuple[bytes, bytes | None, Fingerprint | None]:
    content = read_source(source, max_bytes=policy.max_file_bytes)
    if isinstance(content, Refusal):
        found.refused[content.reason] += 1
        return source.encode("utf-8", "surrogatepass"), None, None  # like no other
    picture = decode(content, policy)
    if isinstance(picture, Refusal):
        found.refused[picture.reason] += 1
        return sha256(content).digest(), None, None
    return sha256(content).digest(), digest_pixels(picture), fingerprint(picture)


def _pairs(
    names: Sequence[str],
    files: Sequence[bytes],
    pixels: Sequence[bytes | None],
    prints: Sequence[Fingerprint | None],
) -> list[Pair]:
    """Equal ones by their digests first; only one of them is compared with what is near."""
    found, again = list[Pair](), set[int]()
    for kind, digests in ((SAME_FILE, files), (SAME_PIXELS, pixels)):
        for first, second in _equal(digests):
            if second not in again:
                again.add(second)
                found.append(Pair(kind, names[first], names[second]))
    alone = [(number, one) for number, one in enumerate(prints) if one is not None and number not in again]
    for first, second in near_duplicates([one for _, one in alone]):
        found.append(Pair(NEAR, names[alone[first][0]], names[alone[second][0]]))
    return found


def _equal(digests: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Each that is equal to an earlier one, with the first of them."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for number, digest in enumerate(digests):
        if digest is not None:
            places[digest].append(number)
    return ((numbers[0], other) for numbers in places.values() for other in numbers[1:])
