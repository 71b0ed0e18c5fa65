from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.cohort.sources import find_inputs
from sievert.errors import EmptyCohortError, InputMissingError, ManifestError


def names(found: list[object], folder: Path) -> list[str]:
    return [os.path.relpath(getattr(item, "source"), folder) for item in found]  # noqa: B009 - Declared, loosely


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.dcm", "a/1.dcm", "a/notes.txt", "c.png"):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    return tmp_path / "in"


def test_a_folder_is_walked_to_its_depths_in_a_stable_order(folder: Path) -> None:
    assert names(list(find_inputs([str(folder)])), folder) == ["c.png", "a/1.dcm", "a/notes.txt", "b/2.dcm"]


def test_what_two_inputs_name_is_planned_once(folder: Path) -> None:
    found = find_inputs([str(folder), str(folder / "c.png"), str(folder / "a")])
    assert len(found) == 4


def test_a_glob_names_what_it_matches(folder: Path) -> None:
    assert names(list(find_inputs([f"{folder}/**/*.dcm"])), folder) == ["a/1.dcm", "b/2.dcm"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder: Path) -> None:
    odd = folder / "scan[1].dcm"
    odd.write_text("x")
    assert names(list(find_inputs([str(odd)])), folder) == ["scan[1].dcm"]


def test_a_loop_of_links_ends(folder: Path) -> None:
    (folder / "a" / "loop").symlink_to(folder)
    assert len(find_inputs([str(folder)])) == 4


def test_a_broken_link_is_an_input_like_any_other(folder: Path) -> None:
    (folder / "gone.dcm").symlink_to(folder / "nowhere")
    assert "gone.dcm" in names(list(find_inputs([str(folder)])), folder)


def test_the_out_folder_inside_an_input_is_left_out(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "job.json").write_text("{}")
    assert len(find_inputs([str(folder)], leave_out=(folder / "out").resolve())) == 4


def test_a_missing_input_is_named_by_its_number(folder: Path) -> None:
    with pytest.raises(InputMissingError, match="input 2"):
        find_inputs([str(folder), str(folder / "typo")])


def test_a_folder_without_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    with pytest.raises(EmptyCohortError):
        find_inputs([str(tmp_path / "empty")])


def test_a_csv_manifest_names_sources_beside_it_and_declares_them(folder: Path) -> None:
    manifest = folder / "cohort.csv"
    manifest.write_text("source,patient,modality,body_part,age\nc.png,007,dx,chest,5\na/1.dcm,,,,\n")
    first, second = find_inputs([str(manifest)])
    assert (first.source, first.patient, first.modality, first.body_part) == (
        str(folder / "c.png"),
        "007",
        "DX",
        "CHEST",
    )
    assert (second.patient, second.modality, second.body_part) == (None, None, None)


def test_a_parquet_manifest_reads_like_csv(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"source": ["c.png"], "patient": [7]}), folder / "cohort.parquet")
    (only,) = find_inputs([str(folder / "cohort.parquet")])
    assert (only.source, only.patient) == (str(folder / "c.png"), "7")


@pytest.mark.parametrize(
    ("text", "told"),
    [("path\nx\n", "no column"), ("source\n\nx\n", None), ("source,patient\n,3\n", "row 2"), ("", "read as a table")],
)
def test_a_manifest_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, told: str | None) -> None:
    (tmp_path / "m.csv").write_text(text)
    if told is None:  # an empty line is no row
        assert len(find_inputs([str(tmp_path / "m.csv")])) == 1
        return
    with pytest.raises(ManifestError, match=told):
        find_inputs([str(tmp_path / "m.csv")])


def test_an_input_keeps_its_paths_out_of_its_repr(folder: Path) -> None:
    (only,) = find_inputs([str(folder / "c.png")])
    assert "c.png" not in repr(only)


def test_what_a_manifest_declares_is_not_lost_to_a_folder_that_holds_the_file(folder: Path) -> None:
    (folder.parent / "m.csv").write_text("source,patient,modality\nin/c.png,P1, ct \n")
    manifest = str(folder.parent / "m.csv")
    for inputs in ([manifest, str(folder)], [str(folder), manifest]):
        (declared,) = [item for item in find_inputs(inputs) if item.patient]
        assert (declared.patient, declared.modality) == ("P1", "CT")


def test_two_declarations_of_one_source_that_differ_are_refused(folder: Path) -> None:
    (folder.parent / "m.csv").write_text("source,patient\nin/c.png,P1\nin/c.png,P2\n")
    with pytest.raises(ManifestError, match="otherwise"):
        find_inputs([str(folder.parent / "m.csv")])


def test_columns_that_are_not_ours_may_hold_anything(folder: Path) -> None:
    rows = "".join(f"in/c.png,{age}\n" for age in [*range(200_000), "unknown"])
    (folder.parent / "m.csv").write_text("source,age\n" + rows)
    assert len(find_inputs([str(folder.parent / "m.csv")])) == 1


def test_a_glob_does_not_reach_into_the_out_folder(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "job.json").write_text("{}")
    found = find_inputs([f"{folder}/**"], leave_out=(folder / "out").resolve())
    assert len(found) == 4
