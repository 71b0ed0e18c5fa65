"""What is offered for a place in a block (EIP-1559), and by how much the offer rises."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fees:
    """An offer, in wei a gas.

    Attributes:
        most: The most that is paid, base fee included (`maxFeePerGas`).
        priority: The most that the block's maker gets of it (`maxPriorityFeePerGas`).
    """

    most: int
    priority: int


def first_offer(base_fee: int, priority: int, *, cap: int) -> Fees:
    """An offer that stands while the base fee doubles, which takes six full blocks; never above the cap."""
    most = min(2 * base_fee + priority, cap)
    return Fees(most, min(priority, most))


def higher_offer(last: Fees, base_fee: int, priority: int, *, cap: int) -> Fees | None:
    """An offer that nodes take as a replacement, both parts an eighth higher; None where the cap forbids it."""
    most, tip = _raised(last.most), _raised(last.priority)
    if most > cap:
        return None
    fresh = first_offer(base_fee, priority, cap=cap)
    most = max(most, fresh.most)
    return Fees(most, min(max(tip, fresh.priority), most))


def _raised(wei: int) -> int:
    """By an eighth: nodes ask for a tenth or more."""
    return wei + wei // 8 + 1
