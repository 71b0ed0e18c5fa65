from __future__ import annotations

import pytest

from serve.access.limits import Buckets, network_of


def test_a_bucket_is_emptied_and_fills_again() -> None:
    now = [0.0]
    buckets = Buckets(3, clock=lambda: now[0])
    assert [buckets.take("a").remaining for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a")
    assert (refused.allowed, refused.wait_s) == (False, 20)
    now[0] = 19.9
    assert not buckets.take("a").allowed
    now[0] = 20.1
    assert buckets.take("a").allowed


def test_one_does_not_use_up_what_is_anothers() -> None:
    buckets = Buckets(1, clock=lambda: 0)
    buckets.take("a")
    assert not buckets.take("a").allowed
    assert buckets.take("b").allowed


def test_many_who_ask_fill_no_memory() -> None:
    buckets = Buckets(1, clock=lambda: 0)
    for number in range(10_500):
        buckets.take(str(number))
    assert len(buckets._levels) == 10_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("what", "unknown"),
    ],
)
def test_an_address_stands_for_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
