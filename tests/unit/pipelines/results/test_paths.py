from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.results.paths import Piece, inclusion_path, root_of_path
from pipelines.results.tree import leaf_hash, tree_root
from sievert.errors import IntegrityError

# transparency-dev/merkle, testdata/inclusion/*/happy-path.json: index, size, root, leaf, path.
PUBLISHED = [
    (
        0,
        8,
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=",
        "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        5,
        8,
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=",
        "QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=",
        [
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
    (
        2,
        3,
        "rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=",
        "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=",
        ["+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU="],
    ),
    (
        1,
        5,
        "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=",
        "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
        [
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ],
    ),
]


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


def pieces(size: int, level: int, opened: int) -> list[Piece]:
    """Whole shards of 2^level leaves, but for the shard of one leaf and the short last one."""
    found: list[Piece] = []
    every = leaves(size)
    for start in range(0, size, 1 << level):
        part = every[start : start + (1 << level)]
        if len(part) == 1 << level and not start <= opened < start + len(part):
            found.append(Piece(start, level, tree_root(part)))
        else:
            found.extend(Piece(start + place, 0, leaf) for place, leaf in enumerate(part))
    return found


@pytest.mark.parametrize(("index", "size", "root", "leaf", "path"), PUBLISHED)
def test_published_proofs_lead_to_their_roots(index: int, size: int, root: str, leaf: str, path: list[str]) -> None:
    assert root_of_path(b64decode(leaf), [b64decode(part) for part in path], index=index, size=size) == b64decode(root)


@given(st.integers(1, 300), st.integers(0, 4), st.data())
def test_every_leaf_is_proven_from_the_roots_of_the_other_shards(size: int, level: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(pieces(size, level, index), index=index, size=size)
    every = leaves(size)
    assert root_of_path(every[index], path, index=index, size=size) == tree_root(every)


@given(st.integers(2, 300), st.data())
def test_a_path_that_was_changed_leads_elsewhere_or_nowhere(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(pieces(size, 3, index), index=index, size=size)
    place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(path[place], "big") ^ 1 << bit).to_bytes(32, "big")
    every = leaves(size)
    changed = root_of_path(every[index], [*path[:place], flipped, *path[place + 1 :]], index=index, size=size)
    assert changed != tree_root(every)


@pytest.mark.parametrize("size", [2, 3, 8, 100])
def test_a_path_too_long_or_too_short_is_refused(size: int) -> None:
    path = inclusion_path(pieces(size, 3, 1), index=1, size=size)
    leaf = leaves(size)[1]
    for wrong in (path[:-1], [*path, leaf], [leaf, *path]):
        with pytest.raises(IntegrityError):
            root_of_path(leaf, wrong, index=1, size=size)


@pytest.mark.parametrize("size", [3, 8, 100])
def test_a_path_at_another_place_leads_elsewhere(size: int) -> None:
    every = leaves(size)
    path = inclusion_path(pieces(size, 3, 1), index=1, size=size)
    assert root_of_path(every[1], path, index=0, size=size) != tree_root(every)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_what_is_no_hash_is_refused(length: int) -> None:
    with pytest.raises(IntegrityError):
        root_of_path(leaves(2)[0], [bytes(length)], index=0, size=2)
    with pytest.raises(IntegrityError):
        root_of_path(bytes(length), [leaves(2)[1]], index=0, size=2)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_outside_the_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(IntegrityError):
        inclusion_path(pieces(3, 1, 0), index=index, size=size)
    with pytest.raises(IntegrityError):
        root_of_path(leaves(1)[0], [], index=index, size=size)


def test_a_gap_in_the_tree_is_noticed() -> None:
    some = pieces(40, 3, 0)
    with pytest.raises(IntegrityError, match="gap"):
        inclusion_path([*some[:9], *some[10:]], index=0, size=40)
