"""Lists and reads what URLs name: DICOMweb, S3 through pyarrow, everything else through fsspec.

Credentials come from the environment, as those libraries look for them (AWS_ACCESS_KEY_ID, …), since the plan keeps
URLs.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pipelines.places.dicomweb import fetch_instance, is_dicomweb, list_instances
from sievert.errors import InputMissingError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIES, _PAUSE_S = 4, 0.5
_DEFINITE = (FileNotFoundError, PermissionError, IsADirectoryError)


def list_remote(url: str) -> list[str]:
    """The URLs of all files below a URL, or of the one file that it is, sorted; a DICOMweb server's in its order.

    Raises:
        InputMissingError: There is nothing.
        StorageError: The store does not answer, or its kind is not known here.
    """
    try:
        found = list(list_instances(url)) if is_dicomweb(url) else sorted(_below(url))
    except FileNotFoundError:
        found = []
    except StorageError:
        raise
    except Exception as fault:  # noqa: BLE001 - each store raises its own
        raise _away(fault) from None  # its message may hold the URL
    if not found:
        raise InputMissingError("a URL among the inputs names nothing that exists")
    return found


def read_remote(url: str, *, most: int) -> bytes:
    """The first bytes of a file, `most` of them.

    Raises:
        OSError: It is gone or not permitted.
        StorageError: The store did not answer, several times over: that is no fault of this one input.
    """
    for number in range(_TRIES):
        try:
            return _read_once(url, most)
        except Exception as fault:
            if _is_definite(fault):
                raise
            last = fault
        time.sleep(_PAUSE_S * 2**number)
    raise (last if isinstance(last, StorageError) else _away(last)) from None


def _read_once(url: str, most: int) -> bytes:
    if is_dicomweb(url):
        return fetch_instance(url, most=most)
    with _opened(url) as file:
        return bytes(file.read(most))


def _is_definite(fault: Exception) -> bool:
    """Whether the store has answered: fsspec tells a connection that failed as a missing file, too."""
    return isinstance(fault, _DEFINITE) and not isinstance(fault.__cause__, OSError | TimeoutError)


def _below(url: str) -> Iterator[str]:
    if _is_s3(url):
        yield from _below_s3(url)
        return
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    found = [path] if system.isfile(path) else system.find(path)
    yield from (str(system.unstrip_protocol(one)) for one in found)


def _below_s3(url: str) -> Iterator[str]:
    from pyarrow import fs

    system, path = fs.FileSystem.from_uri(url)
    parts = urlsplit(url)
    account = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    query = f"?{parts.query}" if parts.query else ""
    if system.get_file_info(path).type == fs.FileType.File:
        yield url
        return
    for info in system.get_file_info(fs.FileSelector(path, recursive=True)):
        if info.type == fs.FileType.File:
            yield f"{parts.scheme}://{account}{quote(info.path)}{query}"


@contextmanager
def _opened(url: str) -> Iterator[IO[bytes] | Any]:
    if _is_s3(url):
        from pyarrow import fs

        system, path = fs.FileSystem.from_uri(url)
        with system.open_input_stream(path) as stream:
            yield stream
        return
    import fsspec

    with fsspec.open(url, "rb") as file:
        yield file


def _is_s3(url: str) -> bool:
    return urlsplit(url).scheme.lower() == "s3"


def _away(fault: Exception) -> StorageError:
    return StorageError(
        f"an object store cannot be read ({type(fault).__name__})",
        remedy="See that its address is right, that it answers, and that the credentials are in the environment.",
    )
