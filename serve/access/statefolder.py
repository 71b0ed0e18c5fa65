"""The service's folder: files that its replicas share, each replaced whole, for the service's account alone."""

from __future__ import annotations

import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import uuid4

from pipelines.results.disk import create_once, disk_errors, write_whole
from pipelines.results.keys.keyfiles import is_open_to_others, write_secret
from pipelines.results.keys.locks import changing_state
from sievert.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHECK_S = 0.5
"""How long a replica goes without looking whether a file has changed: a revoked key is refused this much later."""
_OTHERS = 0o077
_NEVER = float("-inf")

T = TypeVar("T")


def open_state(folder: Path) -> Path:
    """Make the folder where it is missing.

    Raises:
        ServeError: Others than its owner may look into it.
        StorageError: And its kinds.
    """
    with disk_errors("the service's state folder could not be made"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & _OTHERS:
        raise ServeError("others may look into the service's state folder", remedy="Take their rights away: chmod 700")
    return folder


def read_private(file: Path) -> bytes:
    """Read a file of the folder.

    Raises:
        ServeError: It cannot be read, or others may read it.
    """
    try:
        if is_open_to_others(file.stat()):
            raise ServeError(
                f"others may read {file.name} of the service", remedy=f"Take their rights away: chmod 600 {file.name}"
            )
        return file.read_bytes()
    except OSError as error:
        raise ServeError(f"{file.name} of the service cannot be read ({error.strerror})") from error


def replace_private(file: Path, content: bytes) -> None:
    """Replace a file of the folder; a replica sees the old or the new one.

    Raises:
        StorageError: And its kinds.
    """
    write_whole(file, content, drafts=file.parent, mode=0o600)


def shared_secret(file: Path, make: Callable[[], bytes]) -> bytes:
    """The secret in a file that whoever comes first makes.

    Raises:
        ServeError: It cannot be read, or others may read it.
        StorageError: And its kinds.
    """
    if not file.exists():
        draft = file.with_name(f"{file.name}.{uuid4().hex}")
        with disk_errors(f"{file.name} could not be written"):
            write_secret(draft, make())
        create_once(draft, file)
    return read_private(file)


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Be the one process that changes the folder's files, of those that change them.

    Raises:
        ServeError: The folder's file system knows no locks.
    """
    with changing_state(open_state(folder)):
        yield


class Watched(Generic[T]):
    """What a file says, read again once it is another.

    A file that cannot be read or understood is an error at every look: nobody is let in by what it said before.

    Args:
        file: Replaced whole by whoever changes it.
        parse: Makes the value of its content.
        absent: The value without a file.
    """

    def __init__(self, file: Path, parse: Callable[[bytes], T], *, absent: T) -> None:
        self._file = file
        self._parse = parse
        self._absent = absent
        self._value = absent
        self._known: tuple[int, int, int] | None = None
        self._next = _NEVER

    def value(self) -> T:
        """What the file says, or said at most `CHECK_S` ago.

        Raises:
            ServeError: It cannot be read or is damaged.
        """
        now = time.monotonic()
        if now >= self._next:
            self._look()
            self._next = now + CHECK_S
        return self._value

    def _look(self) -> None:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            self._known, self._value = None, self._absent
            return
        except OSError as error:
            raise ServeError(f"{self._file.name} of the service cannot be read ({error.strerror})") from error
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen != self._known:
            self._known = None
            self._value = self._parsed()
            self._known = seen

    def _parsed(self) -> T:
        content = read_private(self._file)
        try:
            return self._parse(content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ServeError(f"{self._file.name} of the service is damaged") from error
