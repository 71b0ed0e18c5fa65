"""A node of an EVM chain over JSON-RPC, with time limits and our own errors.

Source: the execution API specification of Ethereum (github.com/ethereum/execution-apis).
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sievert.errors import LedgerError, LedgerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TRIES = 2
_MOVES = 6
_AGAIN_S = 0.5
_TOO_MANY, _SERVER = 429, 500
_MOVING = ("blockoutofrange", "header not found", "header for hash not found", "unknown block", "missing trie node")
"""What nodes say of a block that a reorganisation takes away while they look into it."""
_LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a node answered in place of a result: its message, and what a contract that reverted returned."""

    message: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """A block's header: number, hash (`0x…`), time (unix s) and base fee (wei a gas; none before EIP-1559)."""

    number: int
    hash: str
    time: int
    base_fee: int | None


class Node:
    """Asks one node.

    Args:
        url: `http://…` or `https://…`; it may hold an access token, so neither repr nor errors show it.
        timeout_s: How long connecting, and each silence of the node, may last.

    Every method raises LedgerUnavailableError where the node does not answer, and LedgerError where it answers what
    no node of an EVM chain does.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        from web3 import HTTPProvider

        for name in ("web3", "urllib3"):
            logging.getLogger(name).setLevel(logging.INFO)  # at DEBUG they write the URL
        self._provider: Any = HTTPProvider(
            url, request_kwargs={"timeout": (timeout_s, timeout_s)}, exception_retry_configuration=None
        )

    def chain_id(self) -> int:
        """The chain's id (EIP-155)."""
        return self._number("eth_chainId")

    def head(self) -> Head:
        """The newest block."""
        head = self.block("latest")
        if head is None:
            raise LedgerError("the node has no block")
        return head

    def block(self, number: int | str) -> Head | None:
        """The canonical block of that number; None where there is none yet."""
        told = self._ask("eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, False)
        with understood():
            return _head(told) if told else None

    def code(self, address: str) -> bytes:
        """The code at an address; nothing where there is none."""
        told = self._ask("eth_getCode", address, "latest")
        with understood():
            return bytes.fromhex(told.removeprefix("0x"))

    def balance(self, address: str) -> int:
        """What an account has, in wei."""
        return self._number("eth_getBalance", address, "latest")

    def nonce(self, address: str) -> int:
        """How many transactions of an account are in blocks, which is the next one's number."""
        return self._number("eth_getTransactionCount", address, "latest")

    def priority_fee(self) -> int:
        """What the node advises to offer a block's maker, in wei a gas."""
        return self._number("eth_maxPriorityFeePerGas")

    def call(self, to: str, data: bytes) -> bytes | Refusal:
        """Run a contract on the newest state and forget what it wrote."""
        told = self._try("eth_call", {"to": to, "data": _hex(data)}, "latest")
        with understood():
            return told if isinstance(told, Refusal) else bytes.fromhex(told.removeprefix("0x"))

    def estimate(self, transaction: dict[str, str]) -> int | Refusal:
        """The gas that a transaction would use."""
        told = self._try("eth_estimateGas", transaction)
        with understood():
            return told if isinstance(told, Refusal) else int(told, 16)

    def send(self, raw: bytes) -> Refusal | None:
        """Hand a signed transaction over; None where the node took it."""
        told = self._try("eth_sendRawTransaction", _hex(raw))
        return told if isinstance(told, Refusal) else None

    def knows(self, transaction: str) -> bool:
        """Whether a transaction waits at the node or is in a block."""
        return self._ask("eth_getTransactionByHash", transaction) is not None

    def receipt(self, transaction: str) -> dict[str, Any] | None:
        """What became of a transaction; None where it is in no block."""
        told = self._ask("eth_getTransactionReceipt", transaction)
        return dict(told) if told else None

    def logs(self, block: int, *, address: str, topics: Sequence[str]) -> list[dict[str, Any]]:
        """The events of a contract in a block."""
        wanted = {"fromBlock": hex(block), "toBlock": hex(block), "address": address, "topics": list(topics)}
        with understood():
            return list(self._ask("eth_getLogs", wanted))

    def transaction_in(self, block_hash: str, index: str) -> dict[str, Any] | None:
        """The transaction at a place in a block; None where the block is gone."""
        told = self._ask("eth_getTransactionByBlockHashAndIndex", block_hash, index)
        return dict(told) if told else None

    def _number(self, method: str, *parameters: object) -> int:
        told = self._ask(method, *parameters)
        with understood():
            return int(told, 16)

    def _ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - JSON
        told = self._try(method, *parameters)
        if isinstance(told, Refusal):
            raise LedgerError(f"the node refuses {method}: {told.message}")
        return told

    def _try(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - JSON
        for _ in range(_MOVES):
            told = self._post(method, parameters)
            with understood():
                if told.get("error") is None:
                    return told["result"]
                refusal = _refusal(told["error"])
            if not any(word in refusal.message.lower() for word in _MOVING):
                return refusal
            time.sleep(_AGAIN_S)
        raise LedgerUnavailableError("the node has no settled newest block")

    def _post(self, method: str, parameters: Sequence[object]) -> dict[str, Any]:
        """Every call may be repeated: a transaction that is sent twice is the same one."""
        for again in range(_TRIES):
            try:
                with _told_as_ours():
                    return dict(self._provider.make_request(method, list(parameters)))
            except LedgerUnavailableError as error:
                if again == _TRIES - 1 or "time" in error.message:
                    raise
            time.sleep(_AGAIN_S)
        raise AssertionError


@contextmanager
def understood() -> Iterator[None]:
    """Raise LedgerError where an answer has not the form that it should have."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as fault:
        raise LedgerError("the node answers what cannot be understood") from fault


@contextmanager
def _told_as_ours() -> Iterator[None]:
    """The cause is left out on purpose: it holds the URL, which may hold an access token."""
    import requests

    try:
        yield
    except requests.Timeout:
        raise LedgerUnavailableError("the node does not answer in time") from None
    except requests.HTTPError as fault:
        raise _of_status(fault.response.status_code) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
        raise LedgerError("the node's URL is none", remedy="See the setting ledger.url.") from None
    except requests.ConnectionError:
        raise LedgerUnavailableError("the node cannot be reached") from None
    except requests.RequestException:
        raise LedgerUnavailableError("the connection to the node broke") from None
    except (ValueError, TypeError, KeyError):
        raise LedgerError("what answers at the node's URL is no node") from None


def _of_status(status: int) -> LedgerError:
    if status == _TOO_MANY or status >= _SERVER:
        return LedgerUnavailableError(f"the node is overloaded or broken (HTTP {status})")
    return LedgerError(f"the node refuses to answer (HTTP {status})", remedy="See the setting ledger.url.")


def _head(told: dict[str, Any]) -> Head:
    fee = told.get("baseFeePerGas")
    return Head(
        number=int(told["number"], 16),
        hash=told["hash"],
        time=int(told["timestamp"], 16),
        base_fee=None if fee is None else int(fee, 16),
    )


def _refusal(error: dict[str, Any]) -> Refusal:
    return Refusal(str(error["message"])[:_LONGEST_MESSAGE], _returned(error.get("data")))


def _returned(data: object) -> bytes:
    """Some nodes give the bytes, some wrap them in an object, some leave them out."""
    found = data.get("data") if isinstance(data, dict) else data
    return bytes.fromhex(found[2:]) if isinstance(found, str) and found.startswith("0x") else b""


def _hex(content: bytes) -> str:
    return "0x" + content.hex()
