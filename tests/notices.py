"""Jobs whose records say what a test wants, and receivers that keep what they are told."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pipelines.notify.notice import Channel, Notice, Stage, notice_id
from pipelines.notify.notifier import open_notifier
from pipelines.notify.route import Route
from pipelines.results.anchoring import encode_anchor
from pipelines.results.custody.creating import create_key_store
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger.anchor import Anchor
from pipelines.results.outfolder import JobHeader, OutFolder
from pipelines.results.rows import RowSealer
from pipelines.results.shardfile import ShardFooter, write_shard
from sievert.errors import DeliveryError, SievertError
from sievert.records import Reason, Refusal
from sievert.settings import NotifySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipelines.notify.notifier import Told

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLANTED = ("PLANTED^PATIENT", "PID-4711", "1.2.840.4711.1", "ACC-4711", "planted-file.dcm")
"""What must stand nowhere but in sealed bytes."""
_KEYWORDS = ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "source")
NEVER: dict[str, Any] = {"escalate_after_s": {"asap": None, "urgent": None, "stat": None}}
"""Nothing is escalated."""
SHARD = 4


@dataclass
class Sealed:
    """A job under way, made row by row without images."""

    out: OutFolder
    keys: KeyStore
    header: JobHeader
    records: list[list[dict[str, Any]]]

    @property
    def job(self) -> str:
        return self.header.job

    def commit(self, *shards: int) -> None:
        """Have shards be stored."""
        for shard in shards:
            sealer, attempt = RowSealer(self.job), uuid4().hex
            rows = [
                sealer.seal_row(
                    index=record["index"],
                    record=record["record"],
                    patient=record["patient"],
                    payload=record,
                    identity=dict(
                        zip(
                            ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "source"),
                            PLANTED,
                            strict=True,
                        )
                    ),
                    refusal=Refusal(Reason.FORMAT_EMPTY) if record["outcome"] == "quarantined" else None,
                )
                for record in self.records[shard]
            ]
            self.keys.save_keys(self.job, shard=shard, attempt=attempt, keys=sealer.keys)
            footer = ShardFooter(self.job, shard, attempt, self.keys.fingerprint, "")
            write_shard(self.out.shard(shard), rows, footer, draft=self.out.results / "draft")

    def anchor(self) -> None:
        """Have the job be anchored."""
        root = sha256(self.job.encode()).digest()
        self.out.files.write_text(json.dumps({"root": root.hex()}))
        anchored = Anchor(bytes.fromhex(self.job), root, 8, 1, "0xC", "0xD", 7, 1_700_000_000, "0xE", "0xF", "embedded")
        self.out.anchor.write_bytes(encode_anchor(anchored))

    def id_of(self, index: int) -> str:
        return notice_id(self.job, f"{index:032x}")


def seal_job(home: Path, probabilities: Sequence[float], *, commit: bool = True) -> Sealed:
    """A job of one image a probability; below 0.4 negative, from 0.6 on positive, uncertain between."""
    keys = create_key_store(home / "keys")
    out = OutFolder(home / "out")
    out.results.mkdir(parents=True)
    model = {"name": "test", "version": "1", "digest": "d" * 64}
    header = JobHeader(
        "2026-01-01T00:00:00+00:00", "0", len(probabilities), SHARD, "p", "i", model, "r", {}, {}, 1, keys.fingerprint
    )
    out.job.write_bytes(header.encoded())
    rows = [_record(header.job, index, value) for index, value in enumerate(probabilities)]
    shards = [[rows[index] for index in header.shards.indices(shard)] for shard in range(header.shards.count)]
    sealed = Sealed(out, keys, header, shards)
    if commit:
        sealed.commit(*range(header.shards.count))
    return sealed


def _record(job: str, index: int, probability: float) -> dict[str, Any]:
    decision = "negative" if probability < 0.4 else "uncertain" if probability < 0.6 else "positive"
    return {
        "schema": "sievert.record/1",
        "job": job,
        "index": index,
        "record": f"{index:032x}",
        "patient": sha256(f"patient {index}".encode()).hexdigest()[:32],
        "outcome": "screened",
        "model": {"name": "test", "version": "1", "digest": "d" * 64},
        "modality": "DX",
        "body_part": "CHEST",
        "diagnosis": decision,
        "decision": decision,
        "flagged": decision != "negative",
        "probability": probability,
        "confidence": max(probability, 1 - probability),
        "threshold": 0.6,
        "min_confidence": 0.6,
        "explanation": None,
    }


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: str = "2026-03-02T12:00:00+00:00") -> None:
        self.now = datetime.fromisoformat(now)

    def __call__(self) -> datetime:
        return self.now.astimezone(UTC)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Ear:
    """A channel that hears, or fails as it is told."""

    name: str = "ear"
    heard: list[tuple[str, Stage]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    fails: Callable[[Notice], SievertError | None] = lambda _: None
    attempts: Counter[str] = field(default_factory=Counter)

    def deliver(self, notice: Notice) -> None:
        self.attempts[notice.id] += 1
        if error := self.fails(notice):
            raise error
        self.heard.append((notice.id, notice.stage))
        self.notices.append(notice)


def away(_: Notice) -> SievertError:
    """A receiver that is away."""
    return DeliveryError("the receiver is away")


def tell(
    job: Sealed,
    *ears: Ear | Route | Channel,
    clock: Callable[[], datetime] | None = None,
    wait_s: float | None = None,
    **settings: Any,  # noqa: ANN401 - each setting has its own type
) -> Told:
    """One pass, as `sievert notify send` does it."""
    routes = [ear if isinstance(ear, Route) else Route(ear) for ear in ears]
    keys = KeyStore(job.keys.folder)
    with open_notifier(
        job.out, keys, settings=NotifySettings(**settings), routes=routes, clock=clock or Clock()
    ) as notifier:
        return notifier.run_once(wait_s=wait_s)


class Receiver(ThreadingHTTPServer):
    """A receiver of webhooks on this machine; `answer` says with what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, dict[str, str]]] = lambda _: (204, {})
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/planted-token"

    @property
    def ids(self) -> Counter[str]:
        return Counter(headers["webhook-id"] for headers, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self.server.requests.append((headers, body))
        code, more = self.server.answer(headers)
        self.send_response(code)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def receiving() -> Iterator[Receiver]:
    """A receiver, as a fixture yields it."""
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()
