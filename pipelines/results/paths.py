"""Inclusion proofs of RFC 9162, section 2.1.3: the path from a leaf to the root of the job's tree.

A path needs, beside the leaf, one hash a level: 27 for 10⁸ leaves. To make it, neither all leaves nor all levels are
held: a whole shard stands for its leaves with one hash, and only the leaf's own shard is opened.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from pipelines.results.tree import HASH_BYTES, Frontier, node_hash
from sievert.errors import IntegrityError, ProofError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Piece(NamedTuple):
    """The root of a whole subtree of 2^level leaves that begins at leaf `start`; of level 0, a leaf's hash."""

    start: int
    level: int
    root: bytes


def inclusion_path(pieces: Sequence[Piece], *, index: int, size: int) -> list[bytes]:
    """The audit path of a leaf, from the leaf up (RFC 9162 2.1.3.1).

    Args:
        pieces: They cover leaves 0 to size - 1 without a gap, in order; the leaf itself is a piece of its own.
        index: Of the leaf, below `size`.
        size: Leaves of the tree.

    Raises:
        IntegrityError: The leaf is not one of them.
    """
    if not 0 <= index < size:
        raise IntegrityError("the tree has no such leaf")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        split = start + (1 << ((stop - start - 1).bit_length() - 1))
        left, right = (start, split), (split, stop)
        (start, stop), other = (left, right) if index < split else (right, left)
        path.append(_subtree_root(pieces, *other))
    return path[::-1]


def root_of_path(leaf: bytes, path: Sequence[bytes], *, index: int, size: int) -> bytes:
    """The root that a leaf's audit path leads to (RFC 9162 2.1.3.2).

    Args:
        leaf: The leaf's hash, 32 bytes.
        path: From the leaf up, 32 bytes each.
        index: Of the leaf.
        size: Leaves of the tree.

    Raises:
        ProofError: The path is too long or too short for such a tree, or the tree has no such leaf.
        IntegrityError: It holds something that is no hash.
    """
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        raise ProofError("the proof names a leaf that the tree cannot have")
    node, last = index, size - 1
    for other in path:
        if last == 0:
            raise ProofError("the proof's path is too long for its tree")
        if node & 1 or node == last:
            leaf = node_hash(other, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = node_hash(leaf, other)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the proof's path is too short for its tree")
    return leaf


def _subtree_root(pieces: Sequence[Piece], start: int, stop: int) -> bytes:
    first, end = (bisect_left(pieces, place, key=lambda piece: piece.start) for place in (start, stop))
    frontier = Frontier()
    for piece in pieces[first:end]:
        frontier.append(piece.root, level=piece.level)
    if frontier.size != stop - start:
        raise IntegrityError("the job's tree has a gap")
    return frontier.root()
