"""Claims about work that is done again and again."""

from threading import Event

import pytest

from pipelines.flows.online import repeating
from pipelines.flows.online.repeating import Repeating


def test_work_is_done_again_until_it_is_stopped_and_not_after_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeating, "EVERY_S", 0.001)
    calls, enough = list[int](), Event()

    def work() -> None:
        calls.append(1)
        if len(calls) > 2:
            enough.set()

    passes = Repeating(work, name="test")
    passes.start()
    assert enough.wait(5)
    passes.stop()
    done = len(calls)
    assert not passes.is_alive
    assert not enough.wait(0.02) or len(calls) == done


def test_what_never_began_can_be_stopped() -> None:
    passes = Repeating(lambda: None, name="test")
    passes.stop()
    assert not passes.is_alive
