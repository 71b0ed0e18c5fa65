"""Closes rolling jobs that nobody writes to any more; each step is there whole or not at all, and safe to repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.results.collector import Collected, JobCollector
from pipelines.results.disk import disk_errors, write_whole
from pipelines.results.keys.tables import TablePlace
from pipelines.results.outfolder import OutFolder, canonical_json
from pipelines.results.rolling.job import picture_file
from pipelines.results.rolling.spool import abandoned, read_spool
from pipelines.results.runmanifest import RunFacts
from pipelines.results.shardfile import ShardFooter, seal_counts, unseal_counts, write_shard
from sievert.records import ShardCounts

if TYPE_CHECKING:
    from pipelines.results.keystore import KeyStore
    from pipelines.results.rolling.frames import Frame, SpoolHeader

CLOSED_SCHEMA = "sievert.closed/1"


def close_spool(spool: Path, keys: KeyStore) -> OutFolder | None:
    """Close the job of a spool whose process let go of it, or died.

    Args:
        spool: Its file.
        keys: The key store that it lies in.

    Returns:
        The out folder, ready to be anchored; None where the spool is in use, or held no record.

    Raises:
        StorageError: And its kinds; the next call goes on.
        IntegrityError: The out folder was changed.
    """
    with abandoned(spool) as free:
        if not free:
            return None
        header, frames = read_spool(spool)
        out = None if header is None else OutFolder(Path(header.out))
        if header is not None and out is not None:
            if frames:
                _close(out, header, frames, keys)
            else:
                _drop(out)
        with disk_errors("a spool could not be removed"):
            spool.unlink(missing_ok=True)
        return out if frames else None


def _close(out: OutFolder, header: SpoolHeader, frames: list[Frame], keys: KeyStore) -> Collected:
    _drop_strays(out, {frame.row.record for frame in frames})
    with disk_errors("the out folder could not be written to"):
        out.work.mkdir(exist_ok=True)
    closed = {"schema": CLOSED_SCHEMA, "job": header.job, "planned": len(frames)}
    write_whole(out.closed, canonical_json(closed), drafts=out.work)
    collector = JobCollector(out.path, keys=keys.folder)
    for shard, members in groupby(frames, key=lambda frame: frame.row.index // header.shard_size):
        _write_shard(out, header, shard, list(members), keys)
        collector.add(shard)
    return collector.finish(_facts(header, len(frames)))


def _write_shard(out: OutFolder, header: SpoolHeader, shard: int, frames: list[Frame], keys: KeyStore) -> None:
    """Keys first, then the results that need them."""
    if out.shard(shard).exists():
        return
    place = TablePlace(header.job, shard, header.attempt)
    keys.save_wrapped(place, [key for frame in frames for key in frame.keys])
    footer = ShardFooter(header.job, shard, header.attempt, keys.fingerprint, "")
    counts = ShardCounts()
    for frame in frames:
        counts += unseal_counts(replace(footer, counts=frame.counts), identity_key=keys.identity_key)
    sealed = seal_counts(counts, identity_key=keys.identity_key, job=header.job)
    draft = out.work / f"{shard:05d}-{header.attempt}.parquet"
    write_shard(out.shard(shard), [frame.row for frame in frames], replace(footer, counts=sealed), draft=draft)


def _facts(header: SpoolHeader, images: int) -> RunFacts:
    now = datetime.now(UTC)
    wall_s = (now - datetime.fromisoformat(header.opened)).total_seconds()
    told = now.isoformat(timespec="seconds")
    return RunFacts(told, round(wall_s, 3), images, resumed_shards=0, workers=1, seeds=header.seeds)


def _drop_strays(out: OutFolder, records: set[str]) -> None:
    """Pictures of requests that were never answered: nobody has a key to them."""
    kept = {picture_file(out, record) for record in records}
    with disk_errors("a picture could not be removed"):
        for file in out.pictures.glob("*"):
            if file not in kept:
                file.unlink(missing_ok=True)
        if out.pictures.is_dir() and not any(out.pictures.iterdir()):
            out.pictures.rmdir()


def _drop(out: OutFolder) -> None:
    """The folder of a job that got no record."""
    with disk_errors("an empty out folder could not be removed"):
        _drop_strays(out, set())
        out.drop_work()
        for folder in (out.results, out.path):
            if folder == out.path:
                out.job.unlink(missing_ok=True)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def is_open(out: OutFolder) -> bool:
    """Whether a folder holds a rolling job that is not closed yet."""
    return out.job.exists() and not out.closed.exists() and not out.plan.exists()
