from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.results.binding import bind_folder
from pipelines.results.collector import JobCollector
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.ledger.anchor import Anchor
from pipelines.results.outfolder import OutFolder
from pipelines.results.shardfile import read_shard
from pipelines.results.verifying import verify_job
from sievert.errors import (
    AnchorError,
    IntegrityError,
    LedgerError,
    OutFolderError,
    SievertError,
    UnfinishedError,
)
from tests.jobs import Job, finish_job

FLIPS_A_FILE = 25
NAMES = [
    "job.json",
    "plan.parquet",
    "results/shard-00000.parquet",
    "results/shard-00003.parquet",
    "quarantine.parquet",
    "manifest.json",
    "report.html",
    "files.json",
    "anchor.json",
]


class KnownLedger:
    """A ledger that has been asked once: the chain itself has its own tests."""

    def __init__(self, ledger: EmbeddedLedger, job: bytes) -> None:
        self._job, self._anchor = job, ledger.find(job)

    def find(self, job: bytes) -> Anchor | None:
        return self._anchor if job == self._job else None

    def anchor(self, job: bytes, *, root: bytes, count: int) -> Anchor:
        raise NotImplementedError

    def check(self) -> None:
        return


@pytest.fixture(scope="module")
def ledger(finished: Job) -> KnownLedger:
    assert finished.finished
    return KnownLedger(finished.ledger, bytes.fromhex(finished.finished.manifest["job"]))


def test_a_finished_job_verifies(finished: Job) -> None:
    found = verify_job(finished.out, finished.ledger)
    assert found.lies == []
    assert (found.verified, found.refused) == (21, 5)
    assert finished.finished
    assert found.root == finished.finished.root


def flipped(job: Job, name: str, place: int, bit: int) -> None:
    file = job.out.path / name
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(bytes(content))


def named(job: Job, ledger: KnownLedger) -> list[str]:
    return [lie.file for lie in verify_job(job.out, ledger).lies]


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_byte_in_any_file_is_found_and_the_file_named(
    copy_of_finished: Job, ledger: KnownLedger, name: str
) -> None:
    draw = random.Random(name)  # noqa: S311 - places to flip
    size = (copy_of_finished.out.path / name).stat().st_size
    ends = [0, 1, size // 2, size - 9, size - 5, size - 1]  # Parquet keeps its footer and that one's length at the end
    for place in [*ends, *(draw.randrange(size) for _ in range(FLIPS_A_FILE))]:
        bit = draw.randrange(8)
        flipped(copy_of_finished, name, place, bit)
        assert name in named(copy_of_finished, ledger), f"byte {place}, bit {bit}"
        flipped(copy_of_finished, name, place, bit)
    assert named(copy_of_finished, ledger) == []


def test_a_flipped_byte_in_a_parquet_footer_is_found(copy_of_finished: Job, ledger: KnownLedger) -> None:
    """The footer says what columns hold: a flipped bit there can make one of another type."""
    name = "results/shard-00003.parquet"
    size = (copy_of_finished.out.path / name).stat().st_size
    footer = int.from_bytes((copy_of_finished.out.path / name).read_bytes()[-8:-4], "little") + 8
    for place in range(size - footer, size, 5):
        flipped(copy_of_finished, name, place, place % 8)
        assert name in named(copy_of_finished, ledger), f"byte {place}"
        flipped(copy_of_finished, name, place, place % 8)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_every_flipped_byte_in_every_file_is_found(copy_of_finished: Job, ledger: KnownLedger, name: str) -> None:
    for place in range((copy_of_finished.out.path / name).stat().st_size):
        flipped(copy_of_finished, name, place, place % 8)
        assert name in named(copy_of_finished, ledger), f"byte {place}"
        flipped(copy_of_finished, name, place, place % 8)


@pytest.mark.parametrize("name", [*NAMES, "results/shard-00001.parquet"])
def test_a_removed_file_is_named(copy_of_finished: Job, ledger: KnownLedger, name: str) -> None:
    (copy_of_finished.out.path / name).unlink()
    assert name in named(copy_of_finished, ledger)


@pytest.mark.parametrize(
    "name", ["notes.txt", "results/shard-00099.parquet", ".hidden", "results/.shard-00000.parquet", ".work/draft"]
)
def test_an_added_file_is_named(copy_of_finished: Job, ledger: KnownLedger, name: str) -> None:
    file = copy_of_finished.out.path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("x")
    assert name in named(copy_of_finished, ledger)


def test_an_added_folder_or_link_is_named(copy_of_finished: Job, ledger: KnownLedger) -> None:
    (copy_of_finished.out.path / "empty").mkdir()
    (copy_of_finished.out.path / "link").symlink_to("job.json")
    assert named(copy_of_finished, ledger) == ["empty/", "link/"]


def rewrite(file: Path, table: object) -> None:
    pq.write_table(table, file)


@pytest.mark.parametrize("name", ["results/shard-00001.parquet", "quarantine.parquet"])
def test_a_removed_doubled_or_moved_row_is_named(copy_of_finished: Job, ledger: KnownLedger, name: str) -> None:
    import pyarrow as pa

    file = copy_of_finished.out.path / name
    table = pq.read_table(file)
    for changed in (table.slice(1), pa.concat_tables([table, table.slice(0, 1)]), table.take([1, 0])):
        rewrite(file, changed)
        assert name in named(copy_of_finished, ledger)


def test_a_ciphertext_swapped_between_records_is_named_by_record(copy_of_finished: Job, ledger: KnownLedger) -> None:
    file = copy_of_finished.out.shard(1)
    rows = read_shard(file).rows
    table = pq.read_table(file)
    sealed = [rows[1].sealed, rows[0].sealed, *(row.sealed for row in rows[2:])]
    place = table.schema.get_field_index("sealed")
    rewrite(file, table.set_column(place, table.schema.field(place), [sealed]))
    lies = verify_job(copy_of_finished.out, ledger).lies
    assert {lie.record for lie in lies} == {None, rows[0].record, rows[1].record}


def test_a_folder_forged_consistently_does_not_fit_the_ledger(copy_of_finished: Job, ledger: KnownLedger) -> None:
    """Who rewrites file and list together is found out by the root alone."""
    from pipelines.results.inventory import add_files, encode_files, list_files
    from pipelines.results.outfolder import read_job
    from pipelines.results.tree import Frontier

    out = copy_of_finished.out
    out.report.write_text("all is well")
    header, files = read_job(out), list_files(out)
    frontier = Frontier()
    for shard in range(4):
        frontier.extend(row.leaf for row in read_shard(out.shard(shard)).rows)
    root = add_files(frontier, files)
    out.files.write_bytes(encode_files(header.job, leaves=header.planned, root=root, files=files))
    assert named(copy_of_finished, ledger) == ["(the whole folder)"]


def test_another_jobs_folder_in_this_ones_place_is_not_anchored(copy_of_finished: Job, tmp_path: Path) -> None:
    with pytest.raises(AnchorError, match="no root"):
        verify_job(copy_of_finished.out, _ledger_of_another_job(tmp_path))


def _ledger_of_another_job(tmp_path: Path) -> EmbeddedLedger:
    ledger = EmbeddedLedger(tmp_path / "other.sqlite")
    ledger.anchor(b"\1" * 32, root=b"\2" * 32, count=1)
    return ledger


def test_without_a_ledger_a_kept_root_will_do(copy_of_finished: Job, tmp_path: Path) -> None:
    absent = EmbeddedLedger(tmp_path / "absent.sqlite")
    with pytest.raises(LedgerError):
        verify_job(copy_of_finished.out, absent)
    assert copy_of_finished.finished
    root = copy_of_finished.finished.root
    assert verify_job(copy_of_finished.out, absent, kept_root=f"0x{root.upper()}").lies == []
    assert verify_job(copy_of_finished.out, absent, kept_root="00" * 32).lies


def test_an_unfinished_job_and_a_strangers_folder_are_told(copy_of_finished: Job, tmp_path: Path) -> None:
    out = copy_of_finished.out
    for file in (out.files, out.anchor):
        file.unlink()
    with pytest.raises(UnfinishedError):
        verify_job(out, copy_of_finished.ledger)
    with pytest.raises(OutFolderError):
        verify_job(OutFolder(tmp_path), copy_of_finished.ledger)


def test_verifying_changes_nothing(finished: Job, tmp_path: Path) -> None:
    copy = tmp_path / "before"
    shutil.copytree(finished.out.path, copy)
    verify_job(finished.out, finished.ledger)
    for file in copy.rglob("*"):
        if file.is_file():
            assert file.read_bytes() == (finished.out.path / file.relative_to(copy)).read_bytes()


def test_no_lie_is_a_traceback(copy_of_finished: Job, ledger: KnownLedger) -> None:
    """Garbage in place of any file ends in a list of lies or an error of ours."""
    for name in NAMES:
        file = copy_of_finished.out.path / name
        kept = file.read_bytes()
        for garbage in (b"", b"{}", b"[]", b"null", b"PAR1" * 9, b"\xff" * 100):
            file.write_bytes(garbage)
            try:
                assert name in named(copy_of_finished, ledger)
            except SievertError as error:
                assert error.exit_code != 1  # noqa: PT017 - either way is right
        file.write_bytes(kept)


def test_a_header_whose_numbers_make_no_sense_drives_nothing(copy_of_finished: Job, ledger: KnownLedger) -> None:
    file = copy_of_finished.out.job
    content = file.read_bytes()
    for old, new in (
        (b'"shard_size": 8', b'"shard_size": 0'),
        (b'"planned": 26', b'"planned": 1000000000000'),
        (b'"planned": 26', b'"planned": 1.0'),
        (b'"planned": 26', b'"planned": true'),
        (b'"planned": 26', b'"planned": -1'),
    ):
        assert old in content
        file.write_bytes(content.replace(old, new))
        assert named(copy_of_finished, ledger) == ["job.json"]


def test_an_added_file_whose_name_is_no_unicode_is_named(copy_of_finished: Job, ledger: KnownLedger) -> None:
    Path(os.fsdecode(os.fsencode(copy_of_finished.out.path) + b"/\xff")).touch()
    assert named(copy_of_finished, ledger) == ["\udcff"]


def test_a_rotten_ciphertext_is_a_lie_even_under_a_root_that_covers_it(tmp_path: Path, pictures: Path) -> None:
    """A shard that rots before it is collected is neither anchored nor, had it been, verified."""
    job = finish_job([str(pictures / "00.png")], tmp_path)
    file = job.out.shard(0)
    table = pq.read_table(file)
    sealed = bytearray(table["sealed"][0].as_py())
    sealed[-1] ^= 1
    place = table.schema.get_field_index("sealed")
    pq.write_table(table.set_column(place, table.schema.field(place), [[bytes(sealed)]]), file)
    collector = JobCollector(job.out.path, keys=job.keys.folder)
    with pytest.raises(IntegrityError, match="ciphertext"):
        collector.add(0)


def test_a_kept_root_does_not_excuse_an_altered_anchor(copy_of_finished: Job, ledger: KnownLedger) -> None:
    anchor = copy_of_finished.out.anchor
    anchor.write_bytes(anchor.read_bytes().replace(b'"block": 2', b'"block": 3'))
    assert copy_of_finished.finished
    found = verify_job(copy_of_finished.out, ledger, kept_root=copy_of_finished.finished.root)
    assert [lie.file for lie in found.lies] == ["anchor.json"]


def test_a_job_is_not_anchored_again_on_another_ledger(copy_of_finished: Job, tmp_path: Path) -> None:
    content = copy_of_finished.out.anchor.read_bytes()
    with pytest.raises(LedgerError, match="another ledger"):
        bind_folder(copy_of_finished.out, EmbeddedLedger(tmp_path / "other.sqlite"))
    assert copy_of_finished.out.anchor.read_bytes() == content
    assert not (tmp_path / "other.sqlite").exists()
