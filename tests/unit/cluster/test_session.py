from __future__ import annotations

import pytest
import ray.exceptions

from cluster.session import _require_answer, _translated, find_ours
from sievert.errors import ClusterError, DiskFullError


def wrapped(error: Exception) -> Exception:
    outer = RuntimeError("Ray's own words")
    outer.__cause__ = error
    return outer


def test_an_error_of_ours_is_found_however_deep_it_was_wrapped() -> None:
    ours = DiskFullError("full")
    assert find_ours(wrapped(wrapped(ours))) is ours
    task_error = ray.exceptions.RayTaskError("screen", "traceback", ours)
    assert find_ours(wrapped(task_error)) is ours


def test_errors_that_refer_to_each_other_do_not_hang_the_search() -> None:
    one, two = RuntimeError("1"), RuntimeError("2")
    one.__context__, two.__context__ = two, one
    assert find_ours(one) is None


def test_a_foreign_error_becomes_a_cluster_error_without_its_text() -> None:
    with pytest.raises(ClusterError) as caught, _translated():
        raise RuntimeError("/data/SMITH^JOHN")
    assert "SMITH" not in caught.value.message
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_interruption_is_not_an_error() -> None:
    with pytest.raises(KeyboardInterrupt), _translated():
        raise KeyboardInterrupt


def test_an_address_where_nothing_listens_is_told_at_once() -> None:
    with pytest.raises(ClusterError, match="no Ray cluster answers"):
        _require_answer("127.0.0.1:1")


@pytest.mark.parametrize("address", [None, "auto"])
def test_without_a_port_there_is_nothing_to_ask(address: str | None) -> None:
    _require_answer(address)
