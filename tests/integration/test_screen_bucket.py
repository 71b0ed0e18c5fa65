"""Results that are kept in a bucket: `--out s3://…`, on one machine and then on another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sievert.errors import IntegrityError, OutFolderError
from tests.buckets import BUCKET, Store, run_store
from tests.integration.processes import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = f"s3://{BUCKET}/2026/autumn"
PREFIX = "2026/autumn"


@pytest.fixture
def store() -> Iterator[Store]:
    yield from run_store()


def machine(name: str, store: Store, tmp_path: Path) -> Runs:
    """Keys and ledger are the site's; what a machine has of a bucket is its own."""
    return Runs(tmp_path / "home", tmp_path, {**store.environment, "SIEVERT_STORE__MIRRORS": str(tmp_path / name)})


def test_a_job_in_a_bucket_is_killed_on_one_machine_and_finished_verified_and_opened_on_another(
    store: Store, pictures: Path, tmp_path: Path
) -> None:
    first, second = (machine(name, store, tmp_path) for name in ("first", "second"))
    begun = lambda: any(name.startswith("results/") for name in store.names(PREFIX))  # noqa: E731
    first.kill_when(begun, 0, "screen", pictures, "--out", URL, "--json")
    before = {name for name in store.names(PREFIX) if name.startswith("results/")}
    code, answer, err = second.run("screen", pictures, "--out", URL, "--json")
    assert code == 0, err
    assert (answer["images"], answer["screened"], answer["resumed"]) == (26, 21, True)
    assert (answer["out"], answer["report"]) == (URL, f"{URL}/report.html")
    names = store.names(PREFIX)
    assert before < names
    assert {"job.json", "plan.parquet", "manifest.json", "files.json", "anchor.json"} < names
    assert not [name for name in names if name.startswith(".")]
    assert [file.suffix for file in (tmp_path / "second").iterdir()] == [".url"]
    code, told, err = first.run("verify", URL, "--json")
    assert (code, told["failed"]) == (0, 0), err
    assert len(second.run("open", URL, "--json")[1]) == 21
    assert second.run("anchor", URL, "--json")[1]["root"] == answer["root"]
    assert first.run("report", URL, "--json")[1]["report"] == "autumn-report.html"
    assert (tmp_path / "autumn-report.html").exists()
    changed = min(name for name in names if name.startswith("results/"))
    store.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{changed}", Body=b"forged")
    assert first.run("verify", URL, "--json")[0] == IntegrityError.exit_code
    code, told, _ = second.run("screen", tmp_path / "home", "--out", URL, "--json")
    assert (code, told["error"]) == (OutFolderError.exit_code, "OutFolderError")
