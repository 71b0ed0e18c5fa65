"""Opens records of a rolling job that is still open, from its spool: whoever must look need not wait for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.jobheader import JobHeader, decode_header
from pipelines.results.keys.tables import TablePlace
from pipelines.results.keystore import OpenedKeys
from pipelines.results.opening import OpenedRow, open_row_parts
from pipelines.results.rolling.spool import read_spool, spool_file
from pipelines.results.sealing import unwrap_key
from sievert.errors import IntegrityError, WrongKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import OutFolder
    from pipelines.results.rolling.frames import Frame, SpoolHeader


def read_open_header(out: OutFolder) -> JobHeader:
    """The header of a rolling job that is still open; its `planned` is 0.

    Raises:
        IntegrityError: There is none, or it is damaged.
    """
    try:
        return decode_header(out.job.read_bytes(), closed=lambda: 0)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IntegrityError("job.json is damaged") from error


def spooled_bytes(keys: KeyStore, job: str) -> int:
    """How large the job's spool is now: it changes with every record; 0 where there is none."""
    try:
        return spool_file(keys.folder, job).stat().st_size
    except OSError:
        return 0


def open_spooled(
    keys: KeyStore, job: str, *, first: int, wanted: Callable[[int], bool] = lambda _: True
) -> list[OpenedRow]:
    """Decrypt some records of an open job, but for those of patients who were erased since.

    Args:
        keys: The key store, with a private key that its records were sealed for.
        job: The job's commitment.
        first: Leaves below are passed over, which costs nothing.
        wanted: Which of the others.

    Raises:
        StorageError: And its kinds: there is no such spool any more.
        KeyStoreError: And its kinds.
        IntegrityError: A record is damaged.
    """
    header, frames = read_spool(spool_file(keys.folder, job), first=first)
    marks, erasures = keys.erasures.of_job(job), keys.erasures
    kept = [
        frame
        for frame in frames
        if wanted(frame.row.index) and not any(erasures.mark(key.patient) in marks for key in frame.keys if marks)
    ]
    if header is None or not kept:
        return []
    keys.log("opened", job=job, key=keys.opens_as, records=[frame.row.record for frame in kept])
    return [
        open_row_parts(job, frame.row, OpenedKeys({frame.row.index: _data_key(frame, header, keys)})) for frame in kept
    ]


def spooled_key(keys: KeyStore, job: str, index: int) -> bytes | None:
    """The data key of one record of an open job; None where it is not there.

    Raises:
        WrongKeyError: It was not wrapped for the private key at hand.
        StorageError: And its kinds.
    """
    header, frames = read_spool(spool_file(keys.folder, job), first=index)
    found = next((frame for frame in frames if frame.row.index == index), None)
    return None if found is None or header is None else _data_key(found, header, keys)


def _data_key(frame: Frame, header: SpoolHeader, keys: KeyStore) -> bytes:
    mine = keys.opens_as
    place = TablePlace(header.job, frame.row.index // header.shard_size, header.attempt)
    for key in frame.keys:
        if key.recipient == mine:
            return unwrap_key(key.wrapped, private=keys.private, context=place.context)
    raise WrongKeyError(f"the open job was not wrapped for key {mine}")
