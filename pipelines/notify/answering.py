"""What people do to a queue: acknowledge what they have seen, and have dead letters tried again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipelines.notify.notice import notice_id
from pipelines.notify.queue import Queue
from pipelines.notify.queuefile import queue_place
from pipelines.notify.timing import utc_now
from pipelines.results.audit import local_account
from pipelines.results.outfolder import read_job
from sievert.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import OutFolder


def acknowledge_notices(out: OutFolder, keys: KeyStore, ids: Sequence[str], *, by: str | None) -> list[str]:
    """Note that notices were seen, so that they are not escalated.

    Args:
        out: The job.
        keys: The key store that holds its queue.
        ids: Of notices or of records.
        by: Who has seen them; the account where it is left out.

    Returns:
        The notices that were not acknowledged before.

    Raises:
        DataError: Nobody was told of one of them.
        StorageError: And its kinds; what cannot be logged is not done.
    """
    job = read_job(out).job
    with closing(Queue(queue_place(keys.folder, job))) as queue:
        notices = _known(queue, job, ids)
        keys.log("acknowledged", job=job, notices=notices, by=by or local_account())
        return queue.acknowledge(notices, now=utc_now())


def retry_notices(out: OutFolder, keys: KeyStore, ids: Sequence[str] | None) -> int:
    """Put dead letters back among what waits; returns how many.

    Args:
        out: The job.
        keys: The key store that holds its queue.
        ids: Of notices or of records; None for all.

    Raises:
        DataError: Nobody was to be told of one of them.
    """
    job = read_job(out).job
    with closing(Queue(queue_place(keys.folder, job))) as queue:
        return queue.retry(None if ids is None else _known(queue, job, ids), now=utc_now())


def _known(queue: Queue, job: str, ids: Sequence[str]) -> list[str]:
    """Ids of notices, for ids of notices and of records."""
    told = {one: (one, notice_id(job, one)) for one in ids}
    known = queue.known([each for pair in told.values() for each in pair])
    found = {one: next((each for each in pair if each in known), None) for one, pair in told.items()}
    if strange := [one for one, each in found.items() if each is None]:
        raise DataError(
            f"{len(strange)} of the ids are of no notice of this job", remedy="See `sievert notify list DIR`."
        )
    return [each for each in found.values() if each is not None]
