"""A folder of this machine that stands for a job in a bucket.

All that is done with a job is done on files: each machine has them in a folder under `store.mirrors`, as it needs them,
and what is made there is sent. The bucket is the truth: a shard, and the job's header, are created once in it, whoever
else tries; what a folder has beside it is forgotten. A file beside the folder says which bucket it stands for.
"""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipelines.results.bucket import SCHEME, Bucket
from pipelines.results.disk import disk_errors
from pipelines.results.outfolder import OutFolder, held
from sievert.errors import ConfigError, IntegrityError, OutFolderError

if TYPE_CHECKING:
    from collections.abc import Mapping

_AT_ONCE, _CHUNK = 8, 1 << 20


@dataclass(frozen=True)
class Mirror:
    """A bucket and the folder that stands for it.

    Attributes:
        url: Of the bucket.
        folder: Absolute path.
    """

    url: str
    folder: Path

    @cached_property
    def bucket(self) -> Bucket:
        """Where the job is."""
        return Bucket(self.url)

    def refresh(self) -> None:
        """Make the folder what the bucket is; drafts of the same job are left.

        Raises:
            OutFolderBusyError: A run of this machine is writing to it.
            IntegrityError: An object's name is no name of a file.
            StorageError: And its kinds.
        """
        with held(self.folder):
            shutil.rmtree(self._drafts, ignore_errors=True)
            tags = self.bucket.tags()
            for name in tags:
                _check_name(name)
            self._forget(tags)
            stale = [name for name, tag in tags.items() if digest(self.folder / name) != tag]
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(self._fetch, stale))

    def fetch(self, file: Path, *, anew: bool = False) -> bool:
        """Have a file of the bucket here, unless it is here already; whether it is."""
        return (file.exists() and not anew) or self._fetch(self._name(file))

    def create(self, file: Path) -> bool:
        """Send a file unless the bucket has one of that name; whether it was sent."""
        return self.bucket.create(self._name(file), file)

    def begin(self, out: OutFolder) -> None:
        """Send what workers need of a job that is planned.

        Raises:
            OutFolderError: Somebody else has planned another job there meanwhile.
            StorageError: And its kinds.
        """
        if out.job.name not in self.bucket.tags():
            self._send_changed([out.plan])
            self.create(out.job)
        if not self._is_same(out.job, self.bucket.tags()):
            raise OutFolderError("the bucket holds another job, planned at the same time")
        self._send_changed([out.plan])  # of two that plan at once, the header's is the one that counts

    def send(self, out: OutFolder) -> None:
        """Send all that belongs to the job but the shards, which are there; the list of files and the anchor last.

        Raises:
            IntegrityError: A shard in the bucket is another one than here.
            StorageError: And its kinds.
        """
        tags = self.bucket.tags()
        for shard in out.results.glob("*.parquet"):
            if not self._is_same(shard, tags):
                raise IntegrityError(f"results/{shard.name} in the bucket is not what was collected")
        last = [out.files, out.anchor]
        first = [file for file in sorted(out.path.iterdir()) if file.is_file() and file not in {*last, *out.pending}]
        self._send_changed([file for file in (*first, *last) if file.exists()], tags)

    def _send_changed(self, files: list[Path], tags: Mapping[str, str] | None = None) -> None:
        there = self.bucket.tags() if tags is None else tags
        for file in files:
            if not self._is_same(file, there):
                self.bucket.replace(self._name(file), file)

    def _is_same(self, file: Path, tags: Mapping[str, str]) -> bool:
        """Whether the bucket has this very file. Where it encrypts by a key of KMS, tags are no digests: ask it."""
        name = self._name(file)
        if name not in tags or tags[name] == digest(file):
            return name in tags
        with disk_errors(f"{file.name} could not be read"), file.open("rb") as content:
            return self.bucket.digest(name) == hashlib.file_digest(content, "sha256").hexdigest()

    def _forget(self, tags: Mapping[str, str]) -> None:
        out = OutFolder(self.folder)
        kept = self._pending(out, tags)
        with disk_errors("the mirror of a bucket could not be cleared"):
            if out.work not in kept:
                out.drop_work()
            for file in _files(self.folder, but=kept):
                if self._name(file) not in tags:
                    file.unlink()

    def _pending(self, out: OutFolder, tags: Mapping[str, str]) -> set[Path]:
        """What a run of the same job may have left here to go on with: drafts until it is finished, then the outbox."""
        if not out.job.exists() or not self._is_same(out.job, tags) or out.anchor.name in tags:
            return set()
        return out.pending - ({out.work} if out.files.name in tags else set())

    def _fetch(self, name: str) -> bool:
        file = self.folder / name
        with disk_errors("the mirror of a bucket could not be written"):
            file.parent.mkdir(parents=True, exist_ok=True)
            self._drafts.mkdir(exist_ok=True, mode=0o700)
        return self.bucket.fetch(name, file, drafts=self._drafts)

    @property
    def _drafts(self) -> Path:
        """Beside the folder: in it, what a killed worker leaves would be taken for a part of the job."""
        return self.folder.with_name(f"{self.folder.name}.drafts")

    def _name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()


def open_mirror(url: str, mirrors: Path) -> Mirror:
    """The folder that stands for a bucket on this machine, made where it is not there; nothing is fetched yet.

    Args:
        url: `s3://BUCKET/PREFIX`.
        mirrors: Where such folders are, absolute.

    Raises:
        ConfigError: The URL is of another kind.
        StorageError: And its kinds.
    """
    if not url.startswith(SCHEME):
        kind = url.partition("://")[0]
        raise ConfigError(f"results cannot be kept in {kind}://", remedy="Name a folder, or s3://BUCKET/PREFIX.")
    url = Bucket(url).url
    folder = mirrors / hashlib.sha256(url.encode()).hexdigest()[:32]
    with disk_errors("the mirror of a bucket could not be made"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _label(folder).write_text(url, "utf-8")
    return Mirror(url, folder)


def mirror_at(folder: Path) -> Mirror | None:
    """The mirror that a folder is, or None."""
    try:
        return Mirror(_label(folder).read_text("utf-8"), folder)
    except OSError:
        return None


def place_name(folder: Path) -> str:
    """What a reader knows a folder of results by: its path, or the bucket's URL."""
    mirror = mirror_at(folder)
    return mirror.url if mirror else str(folder)


def digest(file: Path) -> str | None:
    """MD5 as S3 tells it of an object, unless it encrypts by a key of KMS; None where there is no such file."""
    total = hashlib.md5(usedforsecurity=False)
    try:
        with file.open("rb") as content:
            while part := content.read(_CHUNK):
                total.update(part)
    except OSError:
        return None
    return total.hexdigest()


def _files(folder: Path, *, but: set[Path]) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir() and not but & {path, *path.parents}]


def _label(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.url")


def _check_name(name: str) -> None:
    """What a bucket lists may come from anybody who writes to it."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in {"..", "."} for part in name.split("/")) or "\x00" in name:
        raise IntegrityError("an object of the bucket has a name that no file of a job has")
