"""The contract's verifier and our tree agree: proofs come from a second implementation, straight from the RFC."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from ledger_bench import OWNER, Bench
from ledger_programs import word

from pipelines.results.ledger.registry import anchor_call, encode_call
from pipelines.results.tree import leaf_hash, tree_root

pytest_plugins = ["ledger_fixtures"]

SIZES = [1, 2, 3, 4, 5, 7, 8, 300]
DRAWN = 12
MATCHES, INCLUDES = "matches(bytes32,bytes32)", "includes(bytes32,bytes32,bytes32,uint256,bytes32[])"


def mth(data: list[bytes]) -> bytes:
    """RFC 9162 2.1.1."""
    if len(data) == 1:
        return sha256(b"\0" + data[0]).digest()
    k = largest_power_below(len(data))
    return sha256(b"\1" + mth(data[:k]) + mth(data[k:])).digest()


def path(index: int, data: list[bytes]) -> list[bytes]:
    """RFC 9162 2.1.3.1."""
    if len(data) == 1:
        return []
    k = largest_power_below(len(data))
    if index < k:
        return [*path(index, data[:k]), mth(data[k:])]
    return [*path(index - k, data[k:]), mth(data[:k])]


def largest_power_below(number: int) -> int:
    return int(1 << (number - 1).bit_length() - 1)


class Tree:
    """A tree of so many leaves, anchored."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.bench, self.size = bench, size
        self.data = [word(f"{size}/{index}") for index in range(size)]
        self.leaves = [leaf_hash(data) for data in self.data]
        self.root = tree_root(self.leaves)
        self.job = word(f"job of {size}")
        bench.send(OWNER, anchor_call(self.job, root=self.root, count=size))

    def includes(self, index: int, proof: list[bytes], *, leaf: bytes | None = None, root: bytes | None = None) -> bool:
        leaf = self.leaves[index % self.size] if leaf is None else leaf
        answer = self.bench.ask(encode_call(INCLUDES, self.job, root or self.root, leaf, index, proof))
        return bool(int.from_bytes(answer))


def test_a_leaf_of_trees_of_1_to_300_leaves_is_included_where_it_stands_and_nowhere_else(bench: Bench) -> None:
    draw = random.Random()  # noqa: S311 - sizes, new ones each time; a failure names its own
    for size in {*SIZES, *draw.sample(range(9, 300), DRAWN)}:
        tree = Tree(bench, size)
        assert mth(tree.data) == tree.root
        for index in {0, size - 1, draw.randrange(size)}:
            proof = path(index, tree.data)
            assert tree.includes(index, proof), (size, index)
            wrong = [
                tree.includes(index, proof, leaf=word("other")),
                tree.includes(index + 1, proof, leaf=tree.leaves[index]),
                tree.includes(index, [*proof, word("more")]),
                tree.includes(index, proof[1:], root=tree.root) and size > 1,
            ]
            assert not any(wrong), (size, index, wrong)


@pytest.fixture
def tree(bench: Bench) -> Tree:
    return Tree(bench, 11)


@pytest.mark.parametrize("index", [11, 2**40, 2**256 - 1])
def test_no_leaf_is_included_beyond_the_last(tree: Tree, index: int) -> None:
    assert not tree.includes(index, path(10, tree.data), leaf=tree.leaves[10])


def test_a_node_cannot_pass_for_a_leaf(tree: Tree) -> None:
    inner = mth(tree.data[:8])
    assert not tree.includes(0, [mth(tree.data[8:])], leaf=inner)


def test_a_root_that_shares_only_the_kept_bits_matches_but_includes_nothing(tree: Tree) -> None:
    twin = tree.root[:17] + word("twin")[17:]
    assert tree.bench.ask(encode_call(MATCHES, tree.job, twin))[-1] == 1
    assert not tree.includes(3, path(3, tree.data), root=twin)


def test_a_job_matches_its_own_root_only_and_an_unknown_job_none(tree: Tree) -> None:
    asked = [
        (tree.job, tree.root),
        (tree.job, word("other")),
        (word("unknown"), tree.root),
        (word("unknown"), bytes(32)),
    ]
    answers = [tree.bench.ask(encode_call(MATCHES, job, root))[-1] for job, root in asked]
    assert answers == [1, 0, 0, 0]


def test_an_unknown_job_includes_nothing(tree: Tree) -> None:
    tree.job = word("unknown")
    assert not tree.includes(3, path(3, tree.data))
    assert not tree.includes(3, [], root=bytes(32), leaf=bytes(32))


def test_a_proof_of_a_tree_of_2_to_the_39_leaves_is_checked(bench: Bench) -> None:
    siblings = [word(f"sibling {level}") for level in range(39)]
    leaf = root = word("leaf")
    for sibling in siblings:
        root = sha256(b"\1" + root + sibling).digest()
    bench.send(OWNER, anchor_call(word("huge"), root=root, count=2**39))
    assert bench.ask(encode_call(INCLUDES, word("huge"), root, leaf, 0, siblings))[-1] == 1
    assert bench.ask(encode_call(INCLUDES, word("huge"), root, leaf, 0, siblings[:-1]))[-1] == 0
