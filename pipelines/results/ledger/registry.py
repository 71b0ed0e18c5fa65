"""The registry contract as the ledgers see it: its code, its calls and its answers.

The contract is `registry.vy`; `registry.json` is what `compile_registry` makes of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sievert.errors import LedgerError

COUNT_BITS = 40
"""Bits that the contract keeps of a count of leaves."""

TAG_BYTES = 17
"""Bytes that the contract keeps of a root, the leftmost ones; all of it stands in the transaction and its event."""

_WORD_BYTES = 32
_ANCHOR = "anchor(bytes32,bytes32,uint40)"
_ANCHORED = "anchored(bytes32)"
ANCHORED_EVENT = "Anchored(bytes32,bytes32,uint40)"
_ERROR_STRING = bytes.fromhex("08c379a0")
"""Selector of `Error(string)`, which a revert with a reason returns (Solidity and Vyper alike)."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The compiled contract.

    Attributes:
        bytecode: What a deployment sends; there are no constructor arguments.
        code_hash: Keccak-256 of the code that then stands at the address, `0x…`.
        code_sha256: SHA-256 of the same, which a browser can compute.
        abi: The interface, as the Contract ABI specification's JSON.
        selectors: The four bytes that call each function, by signature.
    """

    bytecode: bytes
    code_hash: str
    code_sha256: str
    abi: list[dict[str, Any]]
    selectors: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the contract keeps of a job: the root's first 17 bytes, leaves, block number and block time (unix s)."""

    tag: bytes
    count: int
    block: int
    time: int

    def fits(self, root: bytes, count: int) -> bool:
        """Whether this is the entry of a root (32 bytes) over so many leaves."""
        return (self.tag, self.count) == (root[:TAG_BYTES], count)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a transaction binds: a job (32 bytes) to a root (32 bytes) over `count` leaves."""

    job: bytes
    root: bytes
    count: int


def require_word(word: bytes, name: str) -> None:
    """Raise LedgerError where a job's id or a root, as `name` says, has not 32 bytes."""
    if len(word) != _WORD_BYTES:
        raise LedgerError(f"{name} has {_WORD_BYTES} bytes.")


def require_anchorable(job: bytes, *, root: bytes, count: int) -> None:
    """Raise LedgerError where the contract could not hold a job with this root and this count of leaves."""
    require_word(job, "A job's id")
    require_word(root, "A root")
    if not 0 <= count < 1 << COUNT_BITS:
        raise LedgerError(f"A count of leaves is 0 to 2^{COUNT_BITS} - 1.")


@cache
def load_registry() -> Registry:
    """The contract that this release deploys and accepts."""
    text = resources.files("pipelines.results.ledger").joinpath("registry.json").read_text(encoding="utf-8")
    compiled = json.loads(text)
    return Registry(
        bytecode=bytes.fromhex(compiled["bytecode"].removeprefix("0x")),
        code_hash=compiled["code_hash"],
        code_sha256=compiled["code_sha256"],
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
    """Call data that binds a job (32 bytes) to a root (32 bytes) over `count` leaves (below 2^40)."""
    return encode_call(_ANCHOR, job, root, count)


def read_binding(data: bytes) -> Binding | None:
    """What call data binds; None where it calls something else, or nothing that can be read."""
    from eth_abi import decode
    from eth_abi.exceptions import DecodingError

    if data[:4] != load_registry().selectors[_ANCHOR]:
        return None
    try:
        return Binding(*decode(["bytes32", "bytes32", "uint40"], data[4:]))
    except DecodingError:
        return None


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
        tag, count, block, time = decode(["bytes17", "uint40", "uint40", "uint40"], answer)
    except DecodingError as fault:
        raise ValueError("The answer is not the registry's.") from fault
    return Entry(tag=tag, count=count, block=block, time=time) if time else None


def revert_reason(answer: bytes) -> str:
    """The sentence with which a contract refused; `no reason given` where it gave none."""
    from eth_abi import decode
    from eth_abi.exceptions import DecodingError

    if not answer.startswith(_ERROR_STRING):
        return "no reason given"
    try:
        return str(decode(["string"], answer[len(_ERROR_STRING) :])[0])
    except (DecodingError, UnicodeDecodeError):
        return "no reason given"
