"""One run of the service, and the token that is good for it alone. `STATE/run.json`, one JSON object.

A service that nobody has set up makes a token at its start: its text goes to the terminal, a salted SHA-256 of it (256
random bits need no slow hash) into the file, where replicas find it. Another start, or the end, takes its place.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelines.results.disk import disk_errors
from serve.access.principal import Role
from serve.access.statefolder import Watched, changing, replace_private
from sievert.errors import AccessError

if TYPE_CHECKING:
    from pathlib import Path

RUN_SCHEMA = "sievert.run/1"
FILE = "run.json"
PREFIX = "svo_"
ONE_TIME_NAME = "one-time token"
ONE_TIME_ROLES = frozenset({Role.ADMIN, Role.CLINICIAN})
_TOKEN = re.compile(r"svo_([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        id: 32 hexadecimal digits.
        salt: Hexadecimal; empty without a token.
        digest: SHA-256 of salt and token, hexadecimal; empty without a token.
        schema: Version of the format.
    """

    id: str
    salt: str = field(default="", repr=False)
    digest: str = field(default="", repr=False)
    schema: str = RUN_SCHEMA


class Runs:
    """The run that is now.

    Args:
        folder: The service's state: one service at a time has it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = Watched[Run | None](folder / FILE, _decoded, absent=None)

    def begin(self, *, one_time: bool) -> str | None:
        """Begin a run; the token of the one before is refused from now on.

        Args:
            one_time: Whether to make a token.

        Returns:
            The token, for the terminal and nothing else; None where none was asked for.

        Raises:
            ServeError: Others may look into the folder.
            StorageError: And its kinds.
        """
        secret, salt = secrets.token_hex(32), secrets.token_hex(16)
        run = Run(secrets.token_hex(16), salt, _digest(salt, secret)) if one_time else Run(secrets.token_hex(16))
        with changing(self._folder):
            replace_private(self._folder / FILE, json.dumps(asdict(run)).encode() + b"\n")
        return f"{PREFIX}{secret}" if one_time else None

    def end(self) -> None:
        """End the run: its token and the sessions that came from it are refused from now on.

        Raises:
            StorageError: And its kinds.
        """
        with changing(self._folder), disk_errors(f"{FILE} could not be removed"):
            (self._folder / FILE).unlink(missing_ok=True)

    def check(self, text: str) -> Run:
        """The run that somebody's token is of.

        Raises:
            AccessError: It is none, or of a run that is over.
            ServeError: The file is damaged.
        """
        parts, run = _TOKEN.fullmatch(text), self._file.value()
        if not parts or not run or not run.salt or not hmac.compare_digest(run.digest, _digest(run.salt, parts[1])):
            raise AccessError("the one-time token is not of this run of the service")
        return run

    def still(self, name: str) -> Run:
        """The run of that id, if it is the one that is now.

        Raises:
            AccessError: It is over.
        """
        run = self._file.value()
        if run is None or run.id != name:
            raise AccessError("that run of the service is over")
        return run


def _digest(salt: str, secret: str) -> str:
    return sha256(bytes.fromhex(salt) + bytes.fromhex(secret)).hexdigest()


def _decoded(content: bytes) -> Run:
    run = Run(**json.loads(content))
    bytes.fromhex(run.salt)
    if run.schema != RUN_SCHEMA:
        raise ValueError("another version")
    return run
