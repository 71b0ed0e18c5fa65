"""Finds and fetches instances of a DICOMweb server: QIDO-RS and WADO-RS (PS3.18 10.6 and 10.4).

A source is `dicomweb+https://HOST/BASE[/studies/UID[/series/UID[/instances/UID]]][?QIDO parameters]`. A bearer token
comes from the environment, since the plan keeps URLs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from sievert.errors import StorageError
from sievert.settings import DICOMWEB_TOKEN_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dicomweb_client import DICOMwebClient
    from requests import Response, Session

PREFIX = "dicomweb+"
_LEVELS = ("studies", "series", "instances")
_TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
_PAGE = 1000
_TIMEOUT_S = 60
_ROOM_BYTES = 4096  # for the boundary and the headers of the one part
_CHUNK_BYTES = 1 << 20
_GONE = frozenset({404, 410})
_DENIED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class _Place:
    """A URL in parts: the service's root, what it names below, and what is searched for."""

    root: str
    uids: dict[str, str] = field(repr=False)
    search: dict[str, str] = field(repr=False)


def is_dicomweb(source: str) -> bool:
    """Whether a URL names a DICOMweb server."""
    return source.lower().startswith(PREFIX)


def list_instances(url: str) -> Iterator[str]:
    """The sources of all instances that a URL names, study after study, page after page.

    Raises:
        StorageError: The server refuses, or does not answer as QIDO-RS asks.
        OSError: It cannot be reached.
    """
    from dicomweb_client import DICOMwebClient

    place = _parse(url)
    if place.uids.get("instances"):
        yield _name(place, place.uids)
        return
    with _session() as session:
        client = DICOMwebClient(place.root, session, timeout=_TIMEOUT_S)
        for study in _studies(client, place):
            series = place.uids.get("series")
            for found in _pages("instances", partial(client.search_for_instances, study, series)):
                yield _name(place, {level: _uid(found, level, known=place.uids.get(level)) for level in _LEVELS})


def fetch_instance(source: str, *, most: int) -> bytes:
    """The file of an instance as the server keeps it, `most` bytes of it.

    Raises:
        FileNotFoundError: The server has no such instance.
        PermissionError: It wants another token.
        OSError: It cannot be reached.
        StorageError: It answers something else.
    """
    place = _parse(source)
    path = "/".join(f"{level}/{place.uids[level]}" for level in _LEVELS)
    wanted = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    with (
        _session() as session,
        session.get(f"{place.root}/{path}", headers={"Accept": wanted}, timeout=_TIMEOUT_S, stream=True) as answer,
    ):
        _check(answer)
        return _only_part(answer, most)


def _studies(client: DICOMwebClient, place: _Place) -> Iterator[str]:
    if "studies" in place.uids:
        yield place.uids["studies"]
        return
    for found in _pages("studies", partial(client.search_for_studies, search_filters=place.search)):
        yield _uid(found, "studies")


def _pages(level: str, search: Callable[..., list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """All matches, a page at a time (PS3.18 8.3.4.4), until one brings nothing new.

    A server may send less than was asked for, or take no offset and send the same again: the client library's own loop
    never ends there.
    """
    seen: set[str] = set()
    offset = 0
    while page := search(limit=_PAGE, offset=offset):
        new = [found for found in page if _uid(found, level) not in seen]
        if not new:
            return
        seen.update(_uid(found, level) for found in new)
        offset += len(page)
        yield from new


def _name(place: _Place, uids: dict[str, str]) -> str:
    return f"{PREFIX}{place.root}/" + "/".join(f"{level}/{uids[level]}" for level in _LEVELS)


def _uid(found: dict[str, Any], level: str, *, known: str | None = None) -> str:
    values = found.get(_TAGS[level], {}).get("Value") or [known]
    if not values[0]:
        raise StorageError("the DICOMweb server names no UID of what it found")
    return str(values[0])


def _only_part(answer: Response, most: int) -> bytes:
    """The content of the one part of a multipart answer (RFC 2387), cut behind `most` bytes."""
    kind = answer.headers.get("Content-Type", "")
    content = bytearray()
    for chunk in answer.iter_content(_CHUNK_BYTES):
        content += chunk
        if len(content) > most + _ROOM_BYTES:
            break
    if not kind.lower().startswith("multipart/"):
        return bytes(content[:most])
    start = content.find(b"\r\n\r\n", 0, _ROOM_BYTES) + 4
    end = content.rfind(b"\r\n--", start)
    return bytes(content[start : end if end >= 0 else None][:most])


def _check(answer: Response) -> None:
    if answer.status_code in _GONE:
        raise FileNotFoundError(2, "No such instance")
    if answer.status_code in _DENIED:
        raise PermissionError(13, "The server wants another token")
    if not answer.ok:
        raise StorageError(f"the DICOMweb server answers HTTP {answer.status_code}")


def _session() -> Session:
    import requests

    session = requests.Session()
    if token := os.environ.get(DICOMWEB_TOKEN_VARIABLE):
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def _parse(url: str) -> _Place:
    parts = urlsplit(url[len(PREFIX) :])
    base, *named = parts.path.partition("/studies/")
    steps = ["studies", *named[1].strip("/").split("/")] if named[1] else []
    uids = dict(zip(steps[::2], steps[1::2], strict=False))
    return _Place(f"{parts.scheme}://{parts.netloc}{base.rstrip('/')}", uids, dict(parse_qsl(parts.query)))
