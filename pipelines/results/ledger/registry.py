"""The registry contract as the ledgers see it: its code, its calls and its answers.

The contract is `registry.vy`; `registry.json` is what `compile_registry` makes of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_ANCHOR = "anchor(bytes32,bytes32,uint64)"
_ANCHORED = "anchored(bytes32)"
_ERROR_STRING = bytes.fromhex("08c379a0")
"""Selector of `Error(string)`, which a revert with a reason returns (Solidity and Vyper alike)."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The compiled contract.

    Attributes:
        bytecode: What a deployment sends; there are no constructor arguments.
        code_hash: Keccak-256 of the code that then stands at the address, `0x…`.
        abi: The interface, as the Contract ABI specification's JSON.
        selectors: The four bytes that call each function, by signature.
    """

    bytecode: bytes
    code_hash: str
    abi: list[dict[str, Any]]
    selectors: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the contract keeps of a job: root (32 bytes), leaves, block number and block time (unix s)."""

    root: bytes
    count: int
    block: int
    time: int


@cache
def load_registry() -> Registry:
    """The contract that this release deploys and accepts."""
    text = resources.files("pipelines.results.ledger").joinpath("registry.json").read_text(encoding="utf-8")
    compiled = json.loads(text)
    return Registry(
        bytecode=bytes.fromhex(compiled["bytecode"].removeprefix("0x")),
        code_hash=compiled["code_hash"],
        abi=compiled["abi"],
        selectors={name: int(selector, 16).to_bytes(4, "big") for name, selector in compiled["selectors"].items()},
    )


def encode_call(signature: str, *values: object) -> bytes:
    """Call data for a function, such as `anchor(bytes32,bytes32,uint64)`.

    Raises:
        KeyError: The contract has no such function.

    Source: Contract ABI specification.
    """
    from eth_abi import encode

    types = signature[signature.index("(") + 1 : -1].split(",")
    arguments: bytes = encode(types, values) if values else b""
    return load_registry().selectors[signature] + arguments


def anchor_call(job: bytes, *, root: bytes, count: int) -> bytes:
    """Call data that binds a job (32 bytes) to a root (32 bytes) over `count` leaves (below 2^64)."""
    return encode_call(_ANCHOR, job, root, count)


def read_job(data: bytes) -> bytes | None:
    """The job (32 bytes) that call data binds; None where it calls something else."""
    selector = load_registry().selectors[_ANCHOR]
    return data[4:36] if data[:4] == selector else None


def anchored_call(job: bytes) -> bytes:
    """Call data that asks what a job (32 bytes) is bound to."""
    return encode_call(_ANCHORED, job)


def read_entry(answer: bytes) -> Entry | None:
    """What `anchored` answered; None where the job is bound to nothing.

    Raises:
        ValueError: The answer has not the four words that the contract gives.
    """
    from eth_abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        root, count, block, time = decode(["bytes32", "uint64", "uint64", "uint64"], answer)
    except DecodingError as fault:
        raise ValueError("The answer is not the registry's.") from fault
    return Entry(root=root, count=count, block=block, time=time) if any(root) else None


def revert_reason(answer: bytes) -> str:
    """The sentence with which a contract refused; `no reason given` where it gave none."""
    from eth_abi import decode

    if not answer.startswith(_ERROR_STRING):
        return "no reason given"
    reason: str = decode(["string"], answer[len(_ERROR_STRING) :])[0]
    return reason
