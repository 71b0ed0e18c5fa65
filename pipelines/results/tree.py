"""The Merkle tree of RFC 9162, section 2.1: SHA-256, leaves and nodes told apart by their first byte.

A frontier folds leaves, or whole subtrees of 2^k leaves, in order and keeps one hash a level: 27 of them for 10⁸
leaves.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable

HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data) (RFC 9162 2.1.1)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right) (RFC 9162 2.1.1).

    Raises:
        IntegrityError: A child is not a hash; a longer one could stand for a leaf.
    """
    if len(left) != HASH_BYTES or len(right) != HASH_BYTES:
        raise IntegrityError("a node of the Merkle tree is not 32 bytes long")
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """Folds a growing list of leaves into the root of RFC 9162's tree."""

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []  # (level, root), levels falling strictly
        self.size = 0

    def append(self, leaf: bytes, *, level: int = 0) -> None:
        """Add a leaf's hash, or the root of a whole subtree of 2^level leaves.

        Raises:
            IntegrityError: The subtree does not begin at a multiple of its size.
        """
        if self.size % (1 << level):
            raise IntegrityError("a subtree of the Merkle tree does not stand where it can")
        self.size += 1 << level
        while self._subtrees and self._subtrees[-1][0] == level:
            leaf, level = node_hash(self._subtrees.pop()[1], leaf), level + 1
        self._subtrees.append((level, leaf))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves' hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The tree's root; of no leaves, SHA-256 of nothing."""
        if not self._subtrees:
            return sha256().digest()
        *rest, (_, root) = self._subtrees
        for _, left in reversed(rest):
            root = node_hash(left, root)
        return root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves' hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()
