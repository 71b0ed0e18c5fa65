"""What a node, or something else at its address, may answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from eth_abi import encode
from eth_utils import keccak

from pipelines.results.ledger.rpc.contract import reason_of
from pipelines.results.ledger.rpc.node import Node, Refusal
from sievert.errors import LedgerError, LedgerUnavailableError

REVERT = keccak(text="Error(string)")[:4] + encode(["string"], ["only a writer"])


@contextmanager
def answering(*bodies: bytes, status: int = 200) -> Iterator[Node]:
    """Something that answers one question after the other, and all that follow with the last."""
    left = list(bodies)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Node(f"http://127.0.0.1:{server.server_port}", timeout_s=2)
        finally:
            server.shutdown()
            thread.join()


def told(**answer: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 0, **answer}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b"\xff\xfe",
        told(),
        told(result=None),
        told(result="0xno"),
        told(result=[]),
        told(error=7),
    ],
)
def test_an_answer_that_no_node_gives_is_refused_as_such(body: bytes) -> None:
    with answering(body) as node:
        for ask in (node.chain_id, node.head):
            with pytest.raises(LedgerError):
                ask()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_or_broken_node_counts_as_away(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.results.ledger.rpc.node._AGAIN_S", 0)
    with answering(b"", status=status) as node, pytest.raises(LedgerUnavailableError, match=str(status)):
        node.chain_id()


MOVING = ["BlockOutOfRangeError: block height is 90 but requested was 91", "header not found", "Unknown block"]


@pytest.mark.parametrize("message", MOVING)
def test_a_block_that_a_reorganisation_took_away_is_asked_for_again(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.results.ledger.rpc.node._AGAIN_S", 0)
    gone = told(error={"code": -32602, "message": message})
    with answering(gone, gone, told(result="0x")) as node:
        assert node.call("0x" + "11" * 20, b"") == b""
    with answering(gone) as node, pytest.raises(LedgerUnavailableError, match="settled"):
        node.call("0x" + "11" * 20, b"")


@pytest.mark.parametrize("status", [401, 404])
def test_a_node_that_lets_nobody_in_does_not_count_as_away(status: int) -> None:
    with answering(b"", status=status) as node, pytest.raises(LedgerError, match=str(status)) as refused:
        node.chain_id()
    assert not isinstance(refused.value, LedgerUnavailableError)


def test_a_refusal_is_told_in_the_nodes_words_cut_short() -> None:
    with answering(told(error={"code": -32000, "message": "no" * 500})) as node, pytest.raises(LedgerError) as refused:
        node.chain_id()
    assert len(refused.value.message) < 300


@pytest.mark.parametrize("data", ["0x" + REVERT.hex(), {"data": "0x" + REVERT.hex()}], ids=["bare", "wrapped"])
def test_a_revert_is_told_with_the_contracts_reason(data: object) -> None:
    with answering(told(error={"code": 3, "message": "execution reverted", "data": data})) as node:
        refusal = node.call("0x" + "11" * 20, b"")
    assert refusal == Refusal("execution reverted", REVERT)
    assert reason_of(refusal) == "only a writer"


@pytest.mark.parametrize("data", [b"", REVERT[:20], REVERT[:4] + b"\xff" * 96])
def test_a_revert_without_a_readable_reason_is_told_in_the_nodes_words(data: bytes) -> None:
    assert reason_of(Refusal("execution reverted", data)) == "execution reverted"


@pytest.mark.parametrize("url", ["http://", "http://[", "https://:99999999/"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(LedgerError):
        Node(url, timeout_s=1).chain_id()


def test_blocks_without_a_base_fee_are_read() -> None:
    block = {"number": "0x7", "hash": "0xab", "timestamp": "0x9"}
    with answering(told(result=block)) as node:
        assert node.head().base_fee is None
