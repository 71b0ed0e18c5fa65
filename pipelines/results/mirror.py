"""A folder of this machine that stands for a job in a bucket.

All that is done with a job is done on files: each machine has them in a folder under `store.mirrors`, as it needs
them, and what is made there is sent. The bucket is the truth: a shard, the job's header, and the list of its files are
created once in it, whoever else tries; what a folder has beside it is forgotten. Whoever only reads has a folder of its
own, so that a run is not disturbed. A file beside the folder says which bucket it stands for.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from pipelines.results import mirrorfiles
from pipelines.results.bucket import SCHEME, Bucket
from pipelines.results.disk import create_once, disk_errors
from pipelines.results.outfolder import OutFolder, held
from sievert.errors import ConfigError, IntegrityError, OutFolderBusyError, OutFolderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READING = "-read"
_AT_ONCE = 8
_FINISHED = "another machine has finished this job meanwhile"
_AGAIN = "Run the same command again: it takes that up."


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

    @cached_property
    def _known(self) -> dict[str, str]:
        """Tags of what this process has fetched or compared."""
        return {}

    def refresh(self, *, anew: bool = False) -> None:
        """Make the folder what the bucket is; drafts of the same job are left.

        Args:
            anew: Read every object, whatever its tag says.

        Raises:
            OutFolderBusyError: A run of this machine is writing to it.
            OutFolderError: What is there is no job: nothing of it is fetched.
            IntegrityError: An object's name is no name of a file.
            StorageError: And its kinds.
        """
        reads = self.folder.name.endswith(_READING)
        with mirrorfiles.alone(self.folder) if reads else held(self.folder):
            shutil.rmtree(self._drafts, ignore_errors=True)
            tags = self.bucket.tags()
            self._check(tags)
            self._forget(tags)
            stale = [name for name, tag in tags.items() if anew or self._is_stale(name, tag)]
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(self._fetch, stale))
            self._known.update(tags)

    def _check(self, tags: Mapping[str, str]) -> None:
        out = OutFolder(self.folder)
        if not tags.keys() <= {out.plan.name} and out.job.name not in tags:
            raise OutFolderError("the bucket holds something there that is no job", remedy="Name another prefix.")
        for name in tags:
            mirrorfiles.check_name(name)

    def _is_stale(self, name: str, tag: str) -> bool:
        known = self._known.get(name) == tag and (self.folder / name).exists()
        return not known and mirrorfiles.digest(self.folder / name) != tag

    def adopt(self, job: str) -> None:
        """Have header and plan of a job here, and nothing of an earlier one that was kept at the same place.

        Raises:
            IntegrityError: The bucket holds another job, or another plan.
            StorageError: And its kinds.
        """
        out = OutFolder(self.folder)
        with mirrorfiles.alone(self.folder):
            if mirrorfiles.job_in(out) != job:
                self._forget({})
                self._fetch(self._name(out.job))
            if mirrorfiles.job_in(out) != job:
                raise IntegrityError("the bucket does not hold the job that was to be worked on")
            if not mirrorfiles.has_its_plan(out) and not (
                self._fetch(self._name(out.plan)) and mirrorfiles.has_its_plan(out)
            ):
                raise IntegrityError("the plan in the bucket is not the job's")
            with disk_errors("the mirror of a bucket could not be written"):
                out.work.mkdir(exist_ok=True)

    def fetch(self, file: Path) -> bool:
        """Have a file here as the bucket has it; False where it has none, and what is here stays."""
        return self._fetch(self._name(file))

    def create(self, file: Path) -> bool:
        """Send a file unless the bucket has one of that name; whether it was sent."""
        return self.bucket.create(self._name(file), file)

    def finished_shards(self) -> set[int]:
        """Numbers of the shards that the bucket has."""
        out = OutFolder(self.folder)
        names = {self._name(out.shard(number)): number for number in out.finished_shards()}
        return {names[name] for name in self.bucket.tags() if name in names}

    def begin(self, out: OutFolder) -> None:
        """Send what workers need of a job that is planned: the plan, and then the header that names it, each once.

        Raises:
            OutFolderBusyError: Somebody else is planning there.
            OutFolderError: Somebody else has planned another job there meanwhile.
            IntegrityError: The bucket's plan is not the job's.
            StorageError: And its kinds.
        """
        if out.job.name not in self.bucket.tags():
            self._claim(out)
        tags = self.bucket.tags()
        if not self._is_same(out.job, tags):
            raise OutFolderError("the bucket holds another job, planned at the same time")
        if not self._is_same(out.plan, tags):
            raise IntegrityError("the plan in the bucket is not the job's")

    def _claim(self, out: OutFolder) -> None:
        if not self.create(out.plan) and not self._is_same(out.plan, self.bucket.tags()):
            raise OutFolderBusyError(
                "another run is planning a job in the bucket, or died while it did",
                remedy=f"If none runs, remove {out.plan.name} from there and run the command again.",
            )
        self.create(out.job)

    def send(self, out: OutFolder) -> None:
        """Send all that belongs to a finished job but the shards, which are there; the anchor last.

        Raises:
            IntegrityError: A shard in the bucket is another one than here.
            OutFolderBusyError: Another machine has finished the job meanwhile; nothing of it is replaced.
            StorageError: And its kinds.
        """
        tags = self.bucket.tags()
        for shard in out.results.glob("*.parquet"):
            if not self._is_same(shard, tags):
                raise IntegrityError(f"results/{shard.name} in the bucket is not what was collected")
        tags = self.bucket.tags()  # the shards took their time
        self._yield_to_finished(out, tags)
        last = {out.files, out.anchor, *out.pending}
        others = [file for file in sorted(out.path.iterdir()) if file.is_file() and file not in last]
        self._send_changed(others, tags)
        if out.files.name not in tags:
            self.create(out.files)
            tags = self.bucket.tags()
            self._yield_to_finished(out, tags)
            self._send_changed(others, tags)
        self._send_changed([file for file in (out.anchor,) if file.exists()])

    def drop(self) -> None:
        """Leave nothing here of a job that is whole in the bucket."""
        for folder in (self.folder, self._drafts):
            shutil.rmtree(folder, ignore_errors=True)

    def _yield_to_finished(self, out: OutFolder, tags: Mapping[str, str]) -> None:
        if out.files.name in tags and not self._is_same(out.files, tags):
            raise OutFolderBusyError(_FINISHED, remedy=_AGAIN)

    def _send_changed(self, files: list[Path], tags: Mapping[str, str] | None = None) -> None:
        there = self.bucket.tags() if tags is None else tags
        for file in files:
            if not self._is_same(file, there):
                self._put_over(file, there.get(self._name(file)))

    def _put_over(self, file: Path, tag: str | None) -> None:
        """Only what was seen there is replaced: another machine may be at it."""
        if not self.bucket.replace(self._name(file), file, tag=tag) and not self._is_same(file, self.bucket.tags()):
            raise OutFolderBusyError(_FINISHED, remedy=_AGAIN)

    def _is_same(self, file: Path, tags: Mapping[str, str]) -> bool:
        """Whether the bucket has this very file. Where it encrypts by a key of KMS, tags are no digests: ask it."""
        name = self._name(file)
        if name not in tags or tags[name] == mirrorfiles.digest(file):
            return name in tags
        return self.bucket.digest(name) == mirrorfiles.sha256_of(file)

    def _forget(self, tags: Mapping[str, str]) -> None:
        out = OutFolder(self.folder)
        kept = self._pending(out, tags)
        with disk_errors("the mirror of a bucket could not be cleared"):
            if out.work not in kept:
                out.drop_work()
            for file in mirrorfiles.files_in(self.folder, but=kept):
                if self._name(file) not in tags:
                    file.unlink(missing_ok=True)
            mirrorfiles.drop_empty_folders(self.folder, but=kept)

    def _pending(self, out: OutFolder, tags: Mapping[str, str]) -> set[Path]:
        """What a run of the same job may have left here to go on with: drafts until it is finished, then the outbox."""
        if tags.keys() == {out.plan.name} and mirrorfiles.has_its_plan(out) and self._is_same(out.plan, tags):
            return {out.job, out.plan, *out.pending}  # it died between plan and header
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


def open_mirror(url: str, mirrors: Path, *, reading: bool = False) -> Mirror:
    """The folder that stands for a bucket on this machine, made where it is not there; nothing is fetched yet.

    Args:
        url: `s3://BUCKET/PREFIX`.
        mirrors: Where such folders are, absolute.
        reading: Whether it is for a command that only reads.

    Raises:
        ConfigError: The URL is of another kind.
        StorageError: And its kinds.
    """
    if not url.startswith(SCHEME):
        kind = url.partition("://")[0]
        raise ConfigError(f"results cannot be kept in {kind}://", remedy="Name a folder, or s3://BUCKET/PREFIX.")
    url = Bucket(url).url
    folder = mirrors / (mirrorfiles.folder_name(url) + (_READING if reading else ""))
    with disk_errors("the mirror of a bucket could not be made"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not mirrorfiles.label_of(folder).exists():
            draft = mirrors / uuid4().hex
            draft.write_text(url, "utf-8")
            create_once(draft, mirrorfiles.label_of(folder))  # never another file of that name: it is a lock, too
    return Mirror(url, folder)


def mirror_at(folder: Path) -> Mirror | None:
    """The mirror that a folder is, or None."""
    folder = folder.absolute()
    try:
        url = mirrorfiles.label_of(folder).read_text("utf-8")
    except (OSError, ValueError):
        return None
    return Mirror(url, folder) if folder.name.removesuffix(_READING) == mirrorfiles.folder_name(url) else None


def place_name(folder: Path) -> str:
    """What a reader knows a folder of results by: its path, or the bucket's URL."""
    mirror = mirror_at(folder)
    return mirror.url if mirror else str(folder)
