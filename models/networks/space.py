"""Ranges that tuning may try: typed, and free of any tuning library."""

from __future__ import annotations

from dataclasses import dataclass

from sievert.errors import ConfigError


def _check_ends(low: float, high: float, *, log: bool) -> None:
    if not low < high:
        raise ConfigError(f"a range for tuning ends at {high}, which is not above {low}")
    if log and low <= 0:
        raise ConfigError(f"a logarithmic range for tuning starts at {low}, which is not above 0")


@dataclass(frozen=True, slots=True)
class Float:
    """A real number.

    Attributes:
        low: Smallest value.
        high: Largest value.
        log: Whether equal ratios are equally likely, not equal differences.

    Raises:
        ConfigError: The range is empty, or logarithmic and not positive.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, log=self.log)


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number.

    Attributes:
        low: Smallest value.
        high: Largest value, itself included.
        log: Whether equal ratios are equally likely, not equal differences.

    Raises:
        ConfigError: The range is empty, or logarithmic and not positive.
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, log=self.log)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values that have no order.

    Attributes:
        values: At least one.

    Raises:
        ConfigError: There is none.
    """

    values: tuple[bool | int | float | str, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ConfigError("a choice for tuning has no values")


Range = Float | Int | Choice
"""What one setting may be."""

SearchSpace = dict[str, Range]
"""Ranges by dotted name: `training.` a training setting, `augment.` one of augmentation, `network.` an option."""

COMMON: SearchSpace = {
    "training.learning_rate": Float(3e-4, 1e-2, log=True),
    "training.weight_decay": Float(1e-4, 0.2, log=True),
    "training.label_smoothing": Float(0.0, 0.15),
    "training.mixup": Float(0.0, 0.4),
    "augment.rotation_deg": Float(0.0, 25.0),
    "augment.scale": Float(0.0, 0.25),
    "network.dropout": Float(0.0, 0.5),
}
"""What every architecture tunes, so that none is offered a trick that another is not."""
