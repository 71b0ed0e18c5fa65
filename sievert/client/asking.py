"""The client."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sievert.client.connection import Connection
from sievert.client.nouns import Model, Progress, Record, read_model, read_progress, read_record
from sievert.errors import AccessError, ConfigError, ForbiddenError, InputMissingError, ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

TOKEN_VARIABLE = "SIEVERT_TOKEN"  # noqa: S105 - its name
_LENGTH = "Inference-Header-Content-Length"
_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
_MOST_CUTS = 5


class Client:
    """The online service, asked from a program.

    Args:
        url: Where it is, such as `https://screening.example.org:8800`.
        token: A token or an API key; left out: of the file, or of the variable `SIEVERT_TOKEN`.
        token_file: A file that holds one.
        timeout_s: How long each silence may last.
        tries: How often a request is made at most, where the service is busy.

    Raises:
        ConfigError: The file cannot be read, or what it holds is no token.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        token_file: str | Path | None = None,
        timeout_s: float = 60,
        tries: int = 5,
    ) -> None:
        self._url = url
        self._connection = Connection(url, _token(token, token_file), timeout_s=timeout_s, tries=tries)

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back its connections."""
        self._connection.close()

    def models(self) -> tuple[Model, ...]:
        """What is served; the first is asked where none is named."""
        return tuple(read_model(one) for one in self._connection.ask("GET", "/v1/models").json()["models"])

    def screen(self, study: bytes | str | Path, *, model: str | None = None, patient: str | None = None) -> Record:
        """Have one study screened; its record is sealed when this returns.

        Args:
            study: A file, or its content: DICOM, NIfTI, PNG, JPEG or TIFF.
            model: Which model; the first that is served where left out.
            patient: Whose it is, where the file names nobody.

        Raises:
            AccessError: The token is not known, or may not do this.
            ServeError: The service refuses, or does not answer.
            InputMissingError: The file cannot be read.
        """
        return read_record(self._post([study], model, patient).json())

    def screen_many(
        self, studies: Iterable[bytes | str | Path], *, model: str | None = None, patient: str | None = None
    ) -> list[Record]:
        """Have several studies screened in one request, and wait for all; see `screen`."""
        found = self._post(list(studies), model, patient, several=True).json()
        return [read_record(one) for one in found["records"]]

    def submit(
        self, studies: Iterable[bytes | str | Path], *, model: str | None = None, patient: str | None = None
    ) -> str:
        """Send studies without waiting for them; see `screen`.

        Returns:
            The job's id, for `wait`, `progress`, `look` and `cancel`.
        """
        answer = self._post(list(studies), model, patient, several=True, wait=False)
        return str(answer.json()["id"])

    def look(self, job: str) -> Progress:
        """How far a job is, with the records so far."""
        return read_progress(self._connection.ask("GET", f"/v1/jobs/{job}").json())

    def progress(self, job: str) -> Iterator[Progress]:
        """Each step of a job as it comes; ends with the job, or where the connection is cut."""
        with self._connection.stream(f"/v1/jobs/{job}/events") as answer:
            for data in _events(answer.iter_lines()):
                yield read_progress(json.loads(data))

    def wait(self, job: str, *, progress: Callable[[Progress], object] = lambda _: None) -> list[Record]:
        """Wait until a job is ended, over cut connections too.

        Args:
            job: Its id.
            progress: Told of each step.

        Raises:
            ServeError: It failed; or the service is away, or has forgotten it.
        """
        for _ in range(_MOST_CUTS):
            last = self._follow(job, progress) or self.look(job)
            if last.state == "done":
                return list(last.records)
            if last.ended:
                raise ServeError(f"the job failed: {last.error}", remedy="Send its studies again.")
        raise ServeError("the connection is cut again and again", remedy="Ask for the job again later.")

    def cancel(self, job: str) -> None:
        """Stop a job; what it has sealed stays."""
        self._connection.ask("DELETE", f"/v1/jobs/{job}")

    def infer(self, images: NDArray[np.float32], *, model: str | None = None) -> NDArray[np.float32]:
        """Probabilities of preprocessed images (Open Inference Protocol, binary tensors); nothing is kept of them.

        Args:
            images: Shape [image, channel, row, column], as `models` tells it.
            model: Which model; the first that is served where left out.

        Returns:
            Shape [image, class].
        """
        import numpy as np

        raw = np.ascontiguousarray(images, "<f4").tobytes()
        head = _tensor_head(images.shape, len(raw))
        answer = self._connection.ask(
            "POST",
            f"/v2/models/{model or self.models()[0].name}/infer",
            content=head + raw,
            headers={"Content-Type": "application/octet-stream", _LENGTH: str(len(head))},
        )
        length = int(answer.headers[_LENGTH])
        shape = json.loads(answer.content[:length])["outputs"][0]["shape"]
        return np.frombuffer(answer.content, "<f4", offset=length).astype(np.float32).reshape(shape)

    def _post(
        self,
        studies: Sequence[bytes | str | Path],
        model: str | None,
        patient: str | None,
        *,
        several: bool = False,
        wait: bool = True,
    ) -> Any:  # noqa: ANN401 - httpx's answer
        contents = [_content(one) for one in studies]
        headers = {"Accept": "application/json", **({"Sievert-Patient": patient} if patient else {})}
        body: dict[str, Any] = {"content": contents[0]} if not several else {"files": _parts(contents)}
        if not several:
            headers["Content-Type"] = "application/octet-stream"
        if not wait:
            headers["Prefer"] = "respond-async"
        asked = {"model": model} if model else {}
        return self._connection.ask("POST", "/v1/studies", params=asked, headers=headers, **body)

    def _follow(self, job: str, progress: Callable[[Progress], object]) -> Progress | None:
        """The last step that one connection told of."""
        last = None
        try:
            for last in self.progress(job):
                progress(last)
        except (AccessError, ForbiddenError):
            raise
        except ServeError:
            return last
        return last


def _token(token: str | None, file: str | Path | None) -> str | None:
    if token is None and file is not None:
        try:
            token = Path(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the token's file cannot be read ({type(error).__name__})") from None
    found = (token if token is not None else os.environ.get(TOKEN_VARIABLE, "")).strip()
    if found and not _PRINTABLE.fullmatch(found):
        raise ConfigError("what was given as token is none: it holds blanks or control characters")
    return found or None


def _content(study: bytes | str | Path) -> bytes:
    try:
        return study if isinstance(study, bytes) else Path(study).read_bytes()
    except OSError as error:
        raise InputMissingError(f"a study's file cannot be read ({type(error).__name__})") from None


def _parts(contents: Sequence[bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    """Parts of a form; their names tell nothing of the files' own."""
    return [("file", (str(place), content, "application/octet-stream")) for place, content in enumerate(contents)]


def _tensor_head(shape: tuple[int, ...], size: int) -> bytes:
    one = {"name": "image", "datatype": "FP32", "shape": list(shape), "parameters": {"binary_data_size": size}}
    return json.dumps({"inputs": [one], "parameters": {"binary_data_output": True}}).encode()


def _events(lines: Iterable[str]) -> Iterator[str]:
    """The data of server-sent events (HTML standard, 9.2.6)."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
