"""The errors of training; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


class TrainingError(SievertError):
    """A training cannot go on."""

    exit_code = 80
    advice = "Run the same command again: it goes on at the last finished epoch."


class DivergedError(TrainingError):
    """The loss is no finite number any more; the checkpoint of the last good epoch is kept."""

    exit_code = 81
    advice = "Lower --learning-rate or set --clip-norm; look at the batch named above for broken pixels."


class MemoryExhaustedError(TrainingError):
    """A batch does not fit in memory, not even halved."""

    exit_code = 82
    advice = "Lower --batch-size and raise --accumulate by as much, or use a smaller --size."
