"""A real service behind HAProxy, and everything that somebody could send it in bad faith."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from tests.attacks import HIDDEN, MIB, MULTIPARTS, ODD, PATHS, SMUGGLED, TENSORS, nifti, parts, png, zipped
from tests.services import Service, serving

MOST, UNPACKED, TIMEOUT_S, HEADERS_S = 8 * MIB, 64 * MIB, 3, 10
BUSY_TRIES = 5
ORIGIN = "Origin: http://service.test"
STUDY = "/v1/studies"
INFER = "/v2/models/default/infer"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {
        "SIEVERT_SERVE__MAX_BODY_BYTES": str(MOST),
        "SIEVERT_SERVE__TIMEOUT_S": str(TIMEOUT_S),
        "SIEVERT_ADMIT__MAX_FILE_BYTES": str(UNPACKED),
    }
    yield from serving(tmp_path_factory.mktemp("service"), settings=settings)


@pytest.fixture(scope="module", autouse=True)
def _nothing_died(service: Service) -> Iterator[None]:
    """After all of it, the very processes that answered first answer still."""
    before = {process.pid for process in service.processes("ServeReplica")}
    yield
    assert {process.pid for process in service.processes("ServeReplica")} == before
    with service.client() as client:
        told = client.get("/v1/status").json()
    assert (told["status"], told["problem"]) == ("ok", "")


def head(service: Service, line: str, *headers: str) -> bytes:
    told = ["Host: service.test", f"Authorization: Bearer {service.token}", *headers]
    return "".join(f"{one}\r\n" for one in [f"{line} HTTP/1.1", *told]).encode("latin-1")


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer) if found != b"100"]


@pytest.mark.parametrize("kind", SMUGGLED)
def test_what_two_readers_could_read_in_two_ways_is_one_refusal(service: Service, kind: str) -> None:
    headers, body = SMUGGLED[kind]
    sent = head(service, f"POST {STUDY}", "Content-Type: image/png", *headers) + b"\r\n" + body
    answer = service.exchange(sent)
    for _ in range(BUSY_TRIES):
        if statuses(answer) != [503]:  # a machine that has just started it, and is busy, may say so
            break
        answer = service.exchange(sent)
    assert len(statuses(answer)) <= 1, answer
    assert set(statuses(answer)) <= {400, 415}
    assert b'"models"' not in answer


@pytest.mark.parametrize("line", ODD, ids=lambda line: str(line)[:40])
def test_odd_requests_get_one_plain_answer(service: Service, line: str) -> None:
    answer = service.exchange(head(service, line) + b"\r\n")
    assert len(statuses(answer)) == 1
    assert set(statuses(answer)) <= ODD[line]
    assert b"X-Made" not in answer.split(b"\r\n\r\n")[0]
    assert b"location:" not in answer.lower()


def test_a_thousand_headers_are_refused_and_ninety_are_not(service: Service) -> None:
    for count, status in ((1000, 400), (90, 200)):
        headers = [f"X-{number}: a" for number in range(count)]
        assert statuses(service.exchange(head(service, "GET /v1/models", *headers) + b"\r\n")) == [status]


def test_each_of_several_requests_on_one_connection_is_asked_who_sends_it(service: Service) -> None:
    signed = head(service, "GET /v1/models") + b"\r\n"
    assert statuses(service.exchange(signed + HIDDEN + signed)) == [200, 401, 200]


@pytest.mark.parametrize("signed", [True, False])
def test_no_path_leads_out_of_its_place_or_past_the_door(service: Service, *, signed: bool) -> None:
    for path in PATHS:
        sent = head(service, f"GET {path}") if signed else f"GET {path} HTTP/1.1\r\nHost: service.test\r\n".encode()
        answer = service.exchange(sent + b"Connection: close\r\n\r\n")
        assert set(statuses(answer)) <= ({400, 404, 422} if signed else {400, 401, 404}), (path, answer[:300])


def memory(service: Service) -> dict[int, int]:
    found = {}
    for process in [*service.processes("ServeReplica"), *service.processes("haproxy"), *service.processes("sidecar")]:
        with suppress(psutil.Error):
            found[process.pid] = process.memory_info().rss
    return found


def grown_by(service: Service, doing: Callable[[], None]) -> int:
    """Bytes by which any process was larger meanwhile."""
    before, peak, ended = memory(service), dict[int, int](), threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for pid, size in memory(service).items():
                peak[pid] = max(peak.get(pid, 0), size)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        doing()
    finally:
        ended.set()
        watching.join()
    return max((size - before[pid] for pid, size in peak.items() if pid in before), default=0)


@pytest.mark.parametrize("path", [STUDY, INFER, "/sign-in"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_gigabyte_of_body_costs_no_more_memory_than_the_largest_body(
    service: Service, path: str, *, chunked: bool
) -> None:
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {1024 * MIB}"
    kind = "application/x-www-form-urlencoded" if path == "/sign-in" else "image/png"
    piece = b"a" * MIB
    frame = b"100000\r\n" + piece + b"\r\n" if chunked else piece
    answers = []

    def send() -> None:
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
            connection.sendall(head(service, f"POST {path}", ORIGIN, f"Content-Type: {kind}", length) + b"\r\n")
            with suppress(OSError):
                for _ in range(1024):
                    connection.sendall(frame)
            with suppress(OSError):
                answers.append(connection.recv(100))

    assert grown_by(service, send) < 6 * MOST
    assert [statuses(answer) for answer in answers if answer] in ([], [[413]])


def test_clients_that_fall_silent_are_hung_up_on_and_keep_nobody_waiting(service: Service) -> None:
    """200 that dribble their headers, and bodies of which half came, to each process."""
    began = time.monotonic()
    slow = [_connected(service, b"GET /health HTTP/1.1\r\nHost: service.test\r\n") for _ in range(200)]
    halves = [
        _connected(service, head(service, f"POST {path}", "Content-Type: image/png", "Content-Length: 999") + b"\r\nx")
        for path in (STUDY, INFER)
    ]
    with service.client() as client:
        while time.monotonic() < began + HEADERS_S + 2:
            asked = time.monotonic()
            assert client.get("/v1/models").status_code == 200
            assert time.monotonic() - asked < 2
            for connection in slow:
                with suppress(OSError):
                    connection.sendall(b"X")
            time.sleep(0.5)
    for connection in [*slow, *halves]:
        connection.settimeout(2)
        with suppress(ConnectionError):
            answer = connection.recv(1000)
            assert not answer or statuses(answer) == [408]
        connection.close()


def _connected(service: Service, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=10)
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor_that_the_network_does_not_read_is_told_so(service: Service, kind: str) -> None:
    one = TENSORS[kind]
    body = '{"inputs":[' + (one if isinstance(one, str) else json.dumps(one)) + "]}"
    with service.client() as client:
        answer = client.post(INFER, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("length", ["-1", "+5", "9" * 20, "9" * 30, "0x10", "1e3", "", "5, 5"])
def test_a_length_of_the_json_part_that_is_none_is_refused(service: Service, length: str) -> None:
    with service.client() as client:
        answer = client.post(INFER, content=b"{}", headers={"Inference-Header-Content-Length": length})
    assert answer.status_code == 422


@pytest.mark.parametrize("made", [lambda: png(60_000, 60_000 // 8), zipped, nifti], ids=["png", "zip", "nifti"])
def test_a_bomb_is_a_study_that_is_refused_with_a_reason(service: Service, made: Callable[[], bytes]) -> None:
    content = made()
    assert len(content) < MOST
    answers = []

    def send() -> None:
        with service.client() as client:
            headers = {"Content-Type": "application/octet-stream"}
            answers.append(client.post(STUDY, content=content, headers=headers))

    assert grown_by(service, send) < 4 * UNPACKED
    (answer,) = answers
    if answer.status_code == 200:
        assert answer.json()["outcome"] == "quarantined"
    else:
        assert answer.status_code in {429, 503}


@pytest.mark.parametrize("kind", MULTIPARTS)
def test_a_multipart_body_that_is_none_is_refused_while_others_are_served(service: Service, kind: str) -> None:
    boundary, body = MULTIPARTS[kind]
    told = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    with service.client() as client:
        began = time.monotonic()
        answer = client.post(STUDY, content=body, headers={"Content-Type": told})
    assert answer.status_code == 400, answer.text
    assert time.monotonic() - began < TIMEOUT_S


def test_a_multipart_in_a_multipart_is_one_file_that_is_no_study(service: Service) -> None:
    with service.client() as client:
        headers = {"Content-Type": 'multipart/related; boundary="x"'}
        answer = client.post(STUDY, content=parts(b"x", parts(b"y", b"a", b"b")), headers=headers)
    assert [record["reason"] for record in answer.json()["records"]] == ["format.unknown"]
