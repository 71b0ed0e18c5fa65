"""Members of archives are read in place, and nothing in an archive leads anywhere else."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipelines.admit.reading import read_source
from pipelines.cohort.sources import find_inputs
from pipelines.places.archives import DamagedArchiveError, list_members, read_member
from sievert.errors import ManifestError
from sievert.records import Reason, Refusal

CONTENT = {"a/1.dcm": b"first", "b/2.dcm": b"second" * 1000}


def zipped(file: Path, content: dict[str, bytes] = CONTENT) -> str:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("a")
        for name, value in content.items():
            archive.writestr(name, value)
    return str(file)


def tarred(file: Path, mode: str, content: dict[str, bytes] = CONTENT) -> str:
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload] # a mode of the parameters
        for name, value in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(value)
            archive.addfile(info, io.BytesIO(value))
        for kind in (tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"odd-{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return str(file)


@pytest.fixture(params=["c.zip", "c.tar", "c.tar.gz", "c.tgz", "c.tar.bz2", "c.tar.xz"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = request.param
    if name == "c.zip":
        return zipped(tmp_path / name)
    mode = "w:" + {"tar": "", "tgz": "gz"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
    return tarred(tmp_path / name, mode)


def test_an_archive_is_a_cohort_of_its_regular_files(archive: str) -> None:
    assert [one.source for one in find_inputs([archive])] == [f"{archive}//{name}" for name in CONTENT]
    for name, value in CONTENT.items():
        assert read_source(f"{archive}//{name}", max_bytes=10_000) == value


def test_a_member_that_is_larger_than_allowed_is_refused_whatever_its_header_says(archive: str) -> None:
    refused = read_source(f"{archive}//b/2.dcm", max_bytes=5_999)
    assert isinstance(refused, Refusal)
    assert refused.reason == Reason.FORMAT_TOO_LARGE


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"x": bytes(200_000_000)})
    assert len(read_member(bomb, "x", most=1000)) == 1000


def test_names_that_climb_out_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"of the machine")
    archive = zipped(tmp_path / "in.zip", {"../secret": b"of the archive", "/etc/passwd": b"of the archive"})
    assert {read_source(one.source, max_bytes=100) for one in find_inputs([archive])} == {b"of the archive"}


def test_a_link_in_a_tar_is_no_member(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "t.tar", "w:")
    refused = read_source(f"{archive}//odd-2", max_bytes=10_000)
    assert isinstance(refused, Refusal)
    assert refused.reason == Reason.FORMAT_UNREADABLE


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_damaged_archive_is_told_and_never_anything_unforeseen(archive: str, cut: int) -> None:
    whole = Path(archive).read_bytes()
    Path(archive).write_bytes(whole[: len(whole) - cut * len(whole) // 201])
    try:
        names = list_members(archive)
    except DamagedArchiveError:
        with pytest.raises(ManifestError, match="damaged"):
            find_inputs([archive])
        return
    for name in names:
        assert isinstance(read_source(f"{archive}//{name}", max_bytes=10_000), bytes | Refusal)


def test_flipped_bytes_cost_a_member_at_most(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "c.zip")
    whole = bytearray(Path(archive).read_bytes())
    place = whole.index(b"b/2.dcm") + 12
    whole[place] ^= 0xFF
    Path(archive).write_bytes(whole)
    refused = read_source(f"{archive}//b/2.dcm", max_bytes=10_000)
    assert isinstance(refused, Refusal)
    assert (refused.reason, "damaged" in refused.detail) == (Reason.FORMAT_UNREADABLE, True)
    assert read_source(f"{archive}//a/1.dcm", max_bytes=10_000) == b"first"


def test_an_archive_that_changes_is_read_anew(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "c.zip")
    assert read_source(f"{archive}//a/1.dcm", max_bytes=100) == b"first"
    zipped(tmp_path / "c.zip", {"a/1.dcm": b"another one"})
    assert read_source(f"{archive}//a/1.dcm", max_bytes=100) == b"another one"


def test_what_is_gone_is_unreadable(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "c.zip")
    for source in (f"{archive}//no/such", f"{tmp_path}/none.zip//a"):
        refused = read_source(source, max_bytes=100)
        assert isinstance(refused, Refusal)
        assert refused.reason == Reason.FORMAT_UNREADABLE
        assert "no/such" not in refused.explanation


def test_a_manifest_names_members_and_urls(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "c.zip")
    (tmp_path / "m.csv").write_text("source,patient\nc.zip//a/1.dcm,P1\ns3://bucket/key.dcm,P2\nx//y.dcm,P3\n")
    sources = [one.source for one in find_inputs([str(tmp_path / "m.csv")])]
    assert sources == [f"{archive}//a/1.dcm", "s3://bucket/key.dcm", f"{tmp_path}/x/y.dcm"]
