"""Which pictures of a set are the same: byte by byte, or the same exposure stored in another way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from pipelines.preprocess.checks import eight_bit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

THUMBNAIL = 32
NEAR_BITS = 3
"""Most bits of 64 in which the hashes of near-duplicates differ: then one of four bands of 16 bits is the same."""

NEAR_CORRELATION = 0.995
"""Least correlation of their thumbnails; `benchmarks/duplicates.py` shows what lies on either side."""

_BANDS, _BAND_BITS = 4, 16
_FLAT = 1e-6


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a picture is recognised by.

    Attributes:
        bits: Perceptual hash, 64 bits.
        thumbnail: Shape [32 · 32], mean 0 and deviation 1; all zeros where the picture has one value.
    """

    bits: int
    thumbnail: NDArray[np.float32]


def fingerprint(pixels: NDArray[Any]) -> Fingerprint:
    """Take a fingerprint.

    Args:
        pixels: Shape [row, column] or [slice, row, column], of which the mean slice counts; any range.

    Source: Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010 (the DCT hash).
    """
    import imagehash  # it brings scipy and PyWavelets

    plane = eight_bit(pixels if pixels.ndim == 2 else pixels.mean(axis=0).astype(np.float32))  # noqa: PLR2004
    bits = imagehash.phash(Image.fromarray(plane)).hash
    small = cv2.resize(plane, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    spread = float(small.std())
    flat = (small - small.mean()) / spread if spread > _FLAT else np.zeros_like(small)
    return Fingerprint(int.from_bytes(np.packbits(bits).tobytes(), "big"), np.asarray(flat, np.float32))


def near_duplicates(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int]]:
    """Pairs of pictures that are near-duplicates, each once, the lower number first.

    Time grows with the pictures that share a band of their hash, not with all pairs.
    """
    seen: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        alike: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(prints):
            alike[one.bits >> band * _BAND_BITS & 0xFFFF].append(number)
        for pair in (pair for numbers in alike.values() for pair in combinations(numbers, 2)):
            if pair not in seen and _is_near(prints[pair[0]], prints[pair[1]]):
                seen.add(pair)
                yield pair


def _is_near(one: Fingerprint, other: Fingerprint) -> bool:
    if (one.bits ^ other.bits).bit_count() > NEAR_BITS:
        return False
    return float(one.thumbnail @ other.thumbnail) / len(one.thumbnail) >= NEAR_CORRELATION


def groups_of(pairs: Iterator[tuple[int, int]], number: int) -> NDArray[np.int64]:
    """A number for each picture, the same for all that pairs connect.

    Args:
        pairs: Of pictures that belong together.
        number: How many pictures there are.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = np.array(list(pairs), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(found), np.int8), (found[:, 0], found[:, 1])), shape=(number, number))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
