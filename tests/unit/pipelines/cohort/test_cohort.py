"""A cohort is each source once, in the order named, with all that was declared of it, whatever its size."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cohort import cohort as module
from pipelines.cohort.cohort import Cohort, Part, held
from pipelines.cohort.declared import Declared
from pipelines.cohort.plan import _SALT, Plan, _nonce, _plan_key, cut_shards, write_plan
from pipelines.cohort.sources import find_inputs
from sievert.errors import ManifestError

KEY = bytes(32)
ITEMS = st.builds(
    Declared,
    st.sampled_from(["/a", "/b", "/c", "/d\udcff", "/é"]),
    st.sampled_from([None, "P"]),
    st.sampled_from([None, "DX"]),
)


def plainly(items: list[Declared]) -> list[Declared] | None:
    """The same, with everything in memory; None where declarations differ."""
    found: dict[str, Declared] = {}
    for item in items:
        before, bare = found.get(item.source), Declared(item.source)
        if before not in (None, bare, item) and item != bare:
            return None
        found[item.source] = before if before is not None and item == bare else item
    return list(found.values())


@given(st.lists(ITEMS, max_size=12), st.integers(0, 12))
def test_it_is_what_a_dictionary_would_hold(items: list[Declared], cut: int) -> None:
    parts = [Part(1, held(items[:cut])), Part(2, held(items[cut:]))]
    wanted = plainly(items)
    if wanted is None:
        with pytest.raises(ManifestError, match="otherwise"):
            Cohort(parts)
        return
    cohort = Cohort(parts)
    assert list(cohort) == wanted
    assert len(cohort) == len(wanted)
    assert len(set(cohort.hashes().tolist())) == len(wanted)


def test_repeats_are_found_across_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_ROWS", 10)
    items = [Declared(f"/{number % 37}", "P" if number > 50 else None) for number in range(100)]
    cohort = Cohort.of(items)
    assert [one.source for one in cohort] == [f"/{number}" for number in range(37)]
    assert all(one.patient == "P" for one in cohort)


def test_a_manifest_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text("source\na\nb\n")
    cohort = find_inputs([str(manifest)])
    manifest.write_text("source\na\n")
    with pytest.raises(ManifestError, match="changed"):
        list(cohort)


@pytest.mark.parametrize(
    ("source", "placed"),
    [
        ("a/b.dcm", "{folder}/a/b.dcm"),
        ("/a/b.dcm", "/a/b.dcm"),
        ("./a/../b.dcm", "{folder}/b.dcm"),
        ("a//b.dcm", "{folder}/a/b.dcm"),
        ("../b.dcm", "{above}/b.dcm"),
        ("a.zip//b/../c.dcm", "{folder}/a.zip//b/../c.dcm"),
        ("s3://bucket/a//b", "s3://bucket/a//b"),
        ("a/.hidden", "{folder}/a/.hidden"),
        ("a..b/c", "{folder}/a..b/c"),
    ],
)
def test_sources_of_a_manifest_are_placed_from_its_folder(tmp_path: Path, source: str, placed: str) -> None:
    (tmp_path / "m.csv").write_text(f"source\n{source}\nplain\n")
    first, second = find_inputs([str(tmp_path / "m.csv")])
    assert first.source == placed.format(folder=tmp_path, above=tmp_path.parent)
    assert second.source == str(tmp_path / "plain")


def test_a_row_without_a_source_is_named_by_its_number_in_any_batch(tmp_path: Path) -> None:
    sources = [f"{number}" for number in range(70_000)] + [None]
    pq.write_table(pa.table({"source": sources}), tmp_path / "m.parquet")
    with pytest.raises(ManifestError, match="row 70002 "):
        find_inputs([str(tmp_path / "m.parquet")])


def test_a_manifest_does_not_reach_into_the_out_folder(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("source\nout/x\nouter/y\n")
    (only,) = find_inputs([str(tmp_path / "m.csv")], leave_out=tmp_path / "out")
    assert only.source == str(tmp_path / "outer" / "y")


def test_names_that_are_no_text_survive_the_plan(tmp_path: Path) -> None:
    odd = os.fsdecode(b"/data/\xff\xfe.dcm")
    write_plan(tmp_path / "plan", Cohort.of([Declared(odd, "P\u00e9")]), shards=cut_shards(1), key=KEY)
    (read,) = Plan(tmp_path / "plan", key=KEY).shard(0)
    assert (read.source, read.patient) == (odd, "P\u00e9")


def test_a_plan_of_before_is_read(tmp_path: Path) -> None:
    items, salt = [Declared(f"/x/{number}", modality="DX") for number in range(5)], bytes(range(32))
    cipher = AESGCM(_plan_key(KEY, salt))
    sealed = [cipher.encrypt(_nonce(n), json.dumps(asdict(one)).encode(), None) for n, one in enumerate(items)]
    schema = pa.schema([("index", pa.int64()), ("input", pa.binary())], metadata={_SALT: salt.hex().encode()})
    with pq.ParquetWriter(tmp_path / "plan", schema) as writer:
        for part in (range(4), range(4, 5)):
            writer.write_table(pa.table([list(part), [sealed[n] for n in part]], schema=schema))
    plan = Plan(tmp_path / "plan", key=KEY)
    assert [(one.index, one.source) for one in plan.shard(1)] == [(4, "/x/4")]
    assert list(plan.sources()) == [one.source for one in items]
