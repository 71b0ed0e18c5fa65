from __future__ import annotations

from dataclasses import asdict
from typing import Any

from models.training.settings import Epoch
from pipelines.flows.training.board import Board, Follower
from sievert.errors import DivergedError
from sievert.errortext import write_error

EPOCH = Epoch(number=1, training_loss=0.5, validation_loss=0.4, validation_accuracy=0.75, best=True)


def test_messages_are_taken_once_and_in_order() -> None:
    board = Board()
    board.put("line", "one")
    board.put("epoch", asdict(EPOCH))
    assert board.take() == [("line", "one"), ("epoch", asdict(EPOCH))]
    assert board.take() == []


def test_failure_stays_known_after_it_was_taken() -> None:
    board = Board()
    board.put("line", "all is well")
    assert not board.has_failed()
    board.put("error", write_error(DivergedError("the loss is not finite")))
    board.take()
    assert board.has_failed()


def test_follower_passes_on_lines_and_epochs_and_keeps_the_error() -> None:
    heard: list[Any] = []
    follower = Follower(heard.append, heard.append)
    follower.hears([("line", "begins"), ("epoch", asdict(EPOCH))])
    assert heard == ["begins", EPOCH]
    assert follower.failure is None
    follower.hears([("error", write_error(DivergedError("not finite in epoch 2", remedy="Look at it.")))])
    assert isinstance(follower.failure, DivergedError)
    assert (follower.failure.message, follower.failure.remedy) == ("not finite in epoch 2", "Look at it.")
