from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.results.tree import Frontier, leaf_hash, node_hash, tree_root
from sievert.errors import IntegrityError

# The eight inputs and roots of certificate-transparency's and transparency-dev's Merkle test vectors.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert tree_root(map(leaf_hash, INPUTS[:size])).hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert tree_root([]) == sha256(b"").digest()


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@given(st.integers(1, 300))
def test_the_frontier_folds_what_the_definition_folds(size: int) -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]
    assert tree_root(leaves) == recursive_root(leaves)


@given(st.integers(1, 200), st.integers(0, 4))
def test_whole_subtrees_fold_like_their_leaves(size: int, level: int) -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]
    frontier = Frontier()
    for start in range(0, size, 1 << level):
        part = leaves[start : start + (1 << level)]
        if len(part) == 1 << level:
            frontier.append(tree_root(part), level=level)
        else:
            frontier.extend(part)
    assert frontier.root() == tree_root(leaves)
    assert frontier.size == size


def test_a_subtree_at_a_place_where_it_cannot_stand_is_refused() -> None:
    frontier = Frontier()
    frontier.append(leaf_hash(b"a"))
    with pytest.raises(IntegrityError):
        frontier.append(leaf_hash(b"b"), level=1)


def test_a_node_takes_hashes_only() -> None:
    with pytest.raises(IntegrityError):
        node_hash(b"short", leaf_hash(b""))
