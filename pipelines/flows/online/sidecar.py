"""A process of its own that admits: whatever a file does to its decoder costs that one request.

The service starts it once and sends it study after study. It ends itself where one takes too long
(`pipelines/admit/watchdog.py`); the next study finds another in its place.
"""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from queue import LifoQueue
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.package import load_package
from pipelines.admit.admission import Admission, admit
from pipelines.admit.scope import Scope
from pipelines.admit.watchdog import time_limit
from pipelines.flows.casework import preprocess
from pipelines.flows.online.wire import read_admitted, receive, send, write_admitted
from pipelines.flows.stopwatch import Stopwatch
from sievert.errors import ServeError
from sievert.records import PlannedInput, Reason, Refusal, fields_of
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from pipelines.flows.casework import Image
    from sievert.records import Admitted

# -P: the current directory, where a user may have modules of our names, stays off the import path
_COMMAND = (sys.executable, "-P", "-c", "from pipelines.flows.online.sidecar import main; main()")
_PIPE_BYTES = 1 << 20
_LAST_S = 1.0
_FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
_LOOKED_AT = 64
"""Rows and columns that an image's brightness is taken from: enough for a mean, and no time for a large one."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the process says of a study.

    Attributes:
        admission: Without its pixels.
        outcome: The image, or why there is none.
        stage_s: Seconds by stage.
        measured: What is watched for drift: `brightness`, mean share of the image's own range.
    """

    admission: Admission
    outcome: Image | Refusal
    stage_s: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def watched(self) -> dict[str, float]:
        """What is watched for drift: the brightness, and the side of a square of as many pixels."""
        if isinstance(self.outcome, Refusal):
            return {}
        return {**self.measured, "size_px": float(np.sqrt(self.outcome.facts.rows * self.outcome.facts.columns))}


class Sidecar:
    """The service's side of one such process; used by one request at a time.

    Args:
        model: Folder of the model package.
        scope: What the model is for.
        policy: The compliance policy.
        keeps: Whether the de-identified picture is asked for after each study.
        restarted: Told each time that another process has to take the place of one.
    """

    def __init__(
        self,
        model: Path,
        *,
        scope: Scope,
        policy: AdmitSettings,
        keeps: bool,
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        self._about = {
            "model": str(model),
            "scope": asdict(scope),
            "policy": policy.model_dump(mode="json"),
            "keeps": keeps,
        }
        self._keeps, self._restarted, self._closed = keeps, restarted, False
        self._process = self._start()

    def admit(self, content: bytes, planned: PlannedInput) -> Told:
        """Admit and preprocess one study; never raises for anything that it contains.

        Raises:
            ServeError: No process can be started, or none is to be any more.
        """
        found = self._ask(content, planned)
        if found is None and self._process.returncode == -signal.SIGKILL:
            found = self._ask(content, planned)  # a file does not do that: the system or somebody ended the process
        if found is None:
            refusal = Refusal(Reason.FORMAT_DECODER_CRASHED)
            return Told(Admission(refusal), refusal)
        about, tensor = found
        return Told(*read_admitted(about, tensor), about["stage_s"], about["measured"])

    def _ask(self, content: bytes, planned: PlannedInput) -> tuple[dict[str, Any], bytes] | None:
        """None where the process died of it."""
        if self._process.poll() is not None:
            if self._closed:
                raise ServeError("the service that admits studies is ending")
            self._process = self._start()
            self._restarted()
        try:
            send(self._stdin, {"planned": fields_of(planned)}, [content])
            return receive(self._stdout)
        except (OSError, EOFError):
            self._died()
            return None

    def _died(self) -> None:
        """Wait for how it died; only one that lives on without its pipes is killed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_S)
        self.stop()

    def picture(self) -> bytes | None:
        """The picture of the study that was just admitted, PNG, 8 or 16 bits; None where it is not kept."""
        if not self._keeps or self._process.returncode is not None:
            return None
        try:
            return receive(self._stdout)[1] or None
        except (OSError, EOFError):
            self.stop()
            return None

    def close(self) -> None:
        """End the process, and start no other."""
        self._closed = True
        self.stop()

    def stop(self) -> None:
        """End the process; safe to repeat."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError, ValueError):
                    pipe.close()

    @property
    def _stdin(self) -> BinaryIO:
        return self._process.stdin  # type: ignore[return-value]  # it was opened with a pipe

    @property
    def _stdout(self) -> BinaryIO:
        return self._process.stdout  # type: ignore[return-value]  # it was opened with a pipe

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            for pipe in (process.stdin, process.stdout):
                _widen(pipe.fileno())  # type: ignore[union-attr]  # both were asked for
            send(process.stdin, self._about)  # type: ignore[arg-type]  # as above
        except OSError as error:
            raise ServeError("the process that admits studies could not be started") from error
        return process


class Sidecars:
    """A pool of them; a request that finds none free waits. The last used is asked next: its caches are warm.

    Args:
        make: Starts one.
        count: How many.

    Raises:
        ServeError: One cannot be started; then none is left.
    """

    def __init__(self, make: Callable[[], Sidecar], count: int) -> None:
        self._all, self._free = list[Sidecar](), LifoQueue[Sidecar]()
        try:
            for _ in range(count):
                self._all.append(make())
                self._free.put(self._all[-1])
        except BaseException:
            self.stop()
            raise

    @contextmanager
    def one(self) -> Iterator[Sidecar]:
        """Have one of them for a while."""
        sidecar = self._free.get()
        try:
            yield sidecar
        except BaseException:
            sidecar.stop()  # what it still has to say is of this study, and must not be taken for the next one's
            raise
        finally:
            self._free.put(sidecar)

    def stop(self) -> None:
        """End all, for good."""
        for one in self._all:
            one.close()


def _widen(descriptor: int) -> None:
    """Room for a whole tensor in the pipe: with the usual 64 KiB the two sides would wait for each other in turns."""
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def main() -> None:
    """The other side of `Sidecar`: until the service is gone."""
    cv2.setNumThreads(1)
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    about, _ = receive(stdin)
    recipe = load_package(about["model"]).recipe
    scope, policy = Scope(**_tupled(about["scope"])), AdmitSettings(**about["policy"])
    while True:
        try:
            asked, content = receive(stdin)
        except EOFError:
            return
        clock, planned = Stopwatch(), PlannedInput(**asked["planned"])
        with time_limit(policy.timeout_s):
            with clock("admit"):
                admission = admit(content, planned, scope=scope, policy=policy)
            outcome = preprocess(admission.outcome, recipe, clock)
        told, tensor = write_admitted(admission.identity, outcome)
        send(stdout, {**told, "stage_s": clock.seconds, "measured": _measured(admission.outcome)}, tensor)
        if about["keeps"]:
            send(stdout, {}, [_encoded(admission.outcome)])


def _measured(outcome: Admitted | Refusal) -> dict[str, float]:
    """What is watched for drift, of the image as it was admitted."""
    if isinstance(outcome, Refusal):
        return {}
    rows, columns = outcome.pixels.shape[:2]
    seen = outcome.pixels[:: max(1, rows // _LOOKED_AT), :: max(1, columns // _LOOKED_AT)]
    lowest, highest = float(seen.min()), float(seen.max())
    return {"brightness": (float(np.mean(seen)) - lowest) / max(1.0, highest - lowest)}


def _encoded(outcome: Admitted | Refusal) -> bytes:
    """While the network is at work: PNG, written fast rather than small."""
    if isinstance(outcome, Refusal):
        return b""
    return cv2.imencode(".png", outcome.pixels, _FAST_PNG)[1].tobytes()


def _tupled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
