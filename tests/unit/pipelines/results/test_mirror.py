"""Claims about a folder that stands for a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from pipelines.results.bucket import Bucket
from pipelines.results.mirror import Mirror, mirror_at, open_mirror, place_name
from pipelines.results.outfolder import OutFolder, held
from sievert.errors import ConfigError, IntegrityError, OutFolderBusyError, OutFolderError, StorageError
from tests.buckets import BUCKET, Store, run_store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    yield from run_store()


@pytest.fixture
def prefix(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return uuid4().hex


@pytest.fixture
def mirror(prefix: str, tmp_path: Path) -> Mirror:
    return open_mirror(f"s3://{BUCKET}/{prefix}", tmp_path)


def put(store: Store, prefix: str, name: str, content: bytes) -> None:
    store.client.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=content)


def test_a_folder_says_which_bucket_it_stands_for_and_others_stand_for_themselves(
    mirror: Mirror, prefix: str, tmp_path: Path
) -> None:
    assert mirror_at(mirror.folder) == mirror
    assert open_mirror(f"s3://{BUCKET}/{prefix}/", tmp_path) == mirror
    assert place_name(mirror.folder) == f"s3://{BUCKET}/{prefix}"
    assert mirror_at(tmp_path) is None
    assert place_name(tmp_path) == str(tmp_path)


@pytest.mark.parametrize("url", ["gs://results/x", "https://example.org/x", "s3://", "s3:///x"])
def test_results_cannot_be_kept_in_what_is_no_bucket(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_mirror(url, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_fresh_mirror_is_what_the_bucket_is(store: Store, mirror: Mirror, prefix: str) -> None:
    put(store, prefix, "job.json", b"job")
    put(store, prefix, "results/shard-00000.parquet", b"rows")
    (mirror.folder / "results").mkdir()
    (mirror.folder / "results" / "shard-00000.parquet").write_bytes(b"another attempt's rows")
    (mirror.folder / "results" / "shard-00001.parquet").write_bytes(b"never sent")
    mirror.refresh()
    there = {file.relative_to(mirror.folder).as_posix() for file in mirror.folder.rglob("*") if file.is_file()}
    assert there == {"job.json", "results/shard-00000.parquet"}
    assert (mirror.folder / "results" / "shard-00000.parquet").read_bytes() == b"rows"


def test_drafts_are_left_to_the_job_that_they_are_of_and_to_no_other(store: Store, mirror: Mirror, prefix: str) -> None:
    out = OutFolder(mirror.folder)
    put(store, prefix, "job.json", b"job")
    mirror.refresh()
    out.work.mkdir()
    draft = out.work / "shard-0.at"
    draft.write_bytes(b"at")
    mirror.refresh()
    assert draft.exists()
    put(store, prefix, "job.json", b"another job")
    mirror.refresh()
    assert not draft.exists()


def test_a_mirror_that_a_run_writes_to_is_not_touched(mirror: Mirror) -> None:
    with held(mirror.folder), pytest.raises(OutFolderBusyError):
        mirror.refresh()


def test_a_name_that_leads_out_of_the_folder_is_refused(store: Store, mirror: Mirror, prefix: str) -> None:
    put(store, prefix, "job.json", b"job")
    put(store, prefix, "../escaped", b"x")
    with pytest.raises(IntegrityError):
        mirror.refresh()
    assert not (mirror.folder.parent / "escaped").exists()


def test_a_file_is_created_once_whoever_tries(mirror: Mirror) -> None:
    file = mirror.folder / "results" / "shard-00000.parquet"
    file.parent.mkdir()
    file.write_bytes(b"first")
    assert mirror.create(file)
    file.write_bytes(b"second")
    assert not mirror.create(file)
    assert mirror.fetch(file)
    assert file.read_bytes() == b"first"


def test_of_two_jobs_planned_at_once_one_begins(store: Store, mirror: Mirror, prefix: str, tmp_path: Path) -> None:
    other = open_mirror(mirror.url, tmp_path / "elsewhere")
    for one, content in ((mirror, b"one"), (other, b"other")):
        (one.folder / "plan.parquet").write_bytes(b"plan of " + content)
        (one.folder / "job.json").write_bytes(content)
    mirror.begin(OutFolder(mirror.folder))
    with pytest.raises(OutFolderError, match="another job"):
        other.begin(OutFolder(other.folder))
    told = store.client.get_object(Bucket=BUCKET, Key=f"{prefix}/plan.parquet")["Body"].read()
    assert told == b"plan of one"


def test_a_job_that_another_machine_has_finished_is_not_replaced(
    store: Store, mirror: Mirror, prefix: str, tmp_path: Path
) -> None:
    other = open_mirror(mirror.url, tmp_path / "elsewhere")
    for one, content in ((other, b"theirs"), (mirror, b"ours")):
        out = OutFolder(one.folder)
        out.results.mkdir()
        for file in (out.job, out.plan, out.manifest, out.files):
            file.write_bytes(b"job" if file in {out.job, out.plan} else content)
    other.begin(OutFolder(other.folder))
    other.send(OutFolder(other.folder))
    with pytest.raises(OutFolderBusyError, match="another machine"):
        mirror.send(OutFolder(mirror.folder))
    for name in ("manifest.json", "files.json"):
        assert store.client.get_object(Bucket=BUCKET, Key=f"{prefix}/{name}")["Body"].read() == b"theirs"
    mirror.refresh()
    assert OutFolder(mirror.folder).manifest.read_bytes() == b"theirs"


def test_of_what_is_no_job_nothing_is_fetched(store: Store, mirror: Mirror, prefix: str) -> None:
    put(store, prefix, "patients/meier.dcm", b"in clear")
    with pytest.raises(OutFolderError, match="no job"):
        mirror.refresh()
    assert not list(mirror.folder.iterdir())


def test_a_plan_that_another_run_sent_is_not_replaced(store: Store, mirror: Mirror, prefix: str) -> None:
    out = OutFolder(mirror.folder)
    put(store, prefix, "plan.parquet", b"of another run")
    mirror.refresh()
    for file in (out.job, out.plan):
        file.write_bytes(b"ours")
    with pytest.raises(OutFolderBusyError, match="planning") as found:
        mirror.begin(out)
    assert "plan.parquet" in str(found.value.remedy)
    assert store.names(prefix) == {"plan.parquet"}


def test_an_empty_folder_is_no_part_of_a_job(store: Store, mirror: Mirror, prefix: str) -> None:
    put(store, prefix, "job.json", b"job")
    put(store, prefix, "logs/x", b"a stranger's")
    mirror.refresh()
    store.client.delete_object(Bucket=BUCKET, Key=f"{prefix}/logs/x")
    mirror.refresh()
    assert [file.name for file in mirror.folder.iterdir()] == ["job.json"]


def test_what_another_machine_sends_meanwhile_is_not_replaced(
    store: Store, mirror: Mirror, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = OutFolder(mirror.folder)
    out.results.mkdir()
    for file in (out.job, out.plan, out.manifest, out.files):
        file.write_bytes(b"ours")
    mirror.begin(out)
    seen = mirror.bucket.tags()
    put(store, prefix, "manifest.json", b"theirs")
    monkeypatch.setattr(Bucket, "tags", lambda _: seen)
    with pytest.raises(OutFolderBusyError, match="another machine"):
        mirror.send(out)
    assert store.client.get_object(Bucket=BUCKET, Key=f"{prefix}/manifest.json")["Body"].read() == b"theirs"


@pytest.mark.parametrize("content", [b"[InternetShortcut]\nURL=x", b"\xff\xfe", b"s3://results/elsewhere"])
def test_a_shortcut_beside_a_folder_makes_no_mirror_of_it(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results.url").write_bytes(content)
    assert mirror_at(tmp_path / "results") is None
    monkeypatch.chdir(tmp_path)
    assert mirror_at(Path()) is None
    assert place_name(Path()) == "."


def test_who_reads_neither_disturbs_a_run_nor_waits_for_it(store: Store, mirror: Mirror, prefix: str) -> None:
    put(store, prefix, "job.json", b"job")
    reading = open_mirror(mirror.url, mirror.folder.parent, reading=True)
    (mirror.folder / "draft").write_bytes(b"of the run")
    with held(mirror.folder):
        reading.refresh()
    assert (reading.folder / "job.json").exists()
    assert (mirror.folder / "draft").exists()


def test_who_verifies_reads_every_byte_whatever_its_tag_says(
    store: Store, mirror: Mirror, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, prefix, "job.json", b"job")
    mirror.refresh()
    told = mirror.bucket.tags()
    put(store, prefix, "job.json", b"rot")
    monkeypatch.setattr(Bucket, "tags", lambda _: told)
    mirror.refresh()
    assert (mirror.folder / "job.json").read_bytes() == b"job"
    mirror.refresh(anew=True)
    assert (mirror.folder / "job.json").read_bytes() == b"rot"


@pytest.mark.usefixtures("prefix")
def test_a_store_that_goes_away_is_told_as_that(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    file = mirror.folder / "job.json"
    with pytest.raises(StorageError, match="could not be read"):
        mirror.create(file)
    file.write_bytes(b"job")
    for call in (mirror.create, mirror.fetch):
        with pytest.raises(StorageError, match="EndpointConnectionError"):
            call(file)
    with pytest.raises(StorageError, match="EndpointConnectionError"):
        mirror.bucket.digest("job.json")


def test_a_shard_that_was_changed_in_the_bucket_ends_the_job_before_it_is_anchored(
    store: Store, mirror: Mirror, prefix: str
) -> None:
    out = OutFolder(mirror.folder)
    out.results.mkdir()
    out.shard(0).write_bytes(b"rows")
    mirror.create(out.shard(0))
    put(store, prefix, "results/shard-00000.parquet", b"others")
    with pytest.raises(IntegrityError, match="shard-00000"):
        mirror.send(out)


def test_where_tags_are_no_digests_a_job_goes_on_all_the_same(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = Bucket.tags
    monkeypatch.setattr(Bucket, "tags", lambda self: dict.fromkeys(tags(self), "of-kms"))
    out = OutFolder(mirror.folder)
    out.results.mkdir()
    for file in (out.plan, out.job, out.shard(0), out.manifest, out.files):
        file.write_bytes(file.name.encode())
    mirror.begin(out)
    mirror.begin(out)  # as a run that is started again does
    assert mirror.create(out.shard(0))
    mirror.send(out)
    mirror.refresh()
    assert out.manifest.read_bytes() == b"manifest.json"
    out.shard(0).write_bytes(b"another attempt's")
    with pytest.raises(IntegrityError):
        mirror.send(out)


def test_a_draft_that_a_killed_download_leaves_is_no_part_of_the_job(
    store: Store, mirror: Mirror, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, prefix, "results/shard-00000.parquet", b"rows")

    def die(_: Bucket, __: str, draft: Path) -> bool:
        draft.write_bytes(b"ro")
        raise KeyboardInterrupt

    monkeypatch.setattr(Bucket, "_download", die)
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # as kill -9 would
    with pytest.raises(KeyboardInterrupt):
        mirror.fetch(OutFolder(mirror.folder).shard(0))
    assert not [file for file in mirror.folder.rglob("*") if file.is_file()]


@pytest.mark.usefixtures("prefix")
def test_what_is_wrong_with_a_bucket_is_told_without_its_name_and_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError, match="NoSuchBucket") as found:
        open_mirror("s3://secret-ward/x", tmp_path).refresh()
    assert "secret-ward" not in str(found.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageError, match="EndpointConnectionError"):
        open_mirror("s3://secret-ward/x", tmp_path).refresh()
