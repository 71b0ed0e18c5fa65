from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.labelled.manifests import read_labelled_manifest
from pipelines.labelled.reading import read_labelled_data
from sievert.errors import InputMissingError, LabelError, ManifestError, SplitOverlapError
from tests.unit.pipelines.labelled.labelled_samples import RECIPE, save_pictures, write_manifest

SPLITS = ["train"] * 4 + ["val"] * 2 + ["test"] * 2


def _pictures(folder: Path, count: int) -> list[str]:
    return [file.name for file in save_pictures(folder, [f"{number}.png" for number in range(count)])]


def test_splits_labels_and_other_columns_of_a_manifest_are_kept(tmp_path: Path) -> None:
    names = _pictures(tmp_path, 8)
    rows = [f"{name},{'ab'[n % 2]},{SPLITS[n]},{n},{'FM'[n % 2]}" for n, name in enumerate(names)]
    data = read_labelled_data(write_manifest(tmp_path, "source,label,split,age,sex", rows), recipe=RECIPE)
    assert data.labels == ("a", "b")
    assert (len(data.train), len(data.validation), len(data.test)) == (4, 2, 2)
    assert data.columns["test"]["age"].tolist() == [6, 7]
    assert data.columns["train"]["sex"].tolist() == ["F", "M", "F", "M"]
    assert set(data.columns["test"]) == {"age", "sex"}


def test_columns_lose_the_rows_that_training_drops(tmp_path: Path) -> None:
    names = _pictures(tmp_path, 8)
    (tmp_path / names[1]).write_bytes((tmp_path / names[6]).read_bytes())
    rows = [f"{name},{n % 2},{SPLITS[n]},{n}" for n, name in enumerate(names)]
    data = read_labelled_data(write_manifest(tmp_path, "source,label,split,age", rows), recipe=RECIPE)
    assert data.left_out == 1
    assert data.columns["train"]["age"].tolist() == [0, 2, 3]
    assert data.train.labels.tolist() == [0, 0, 1]


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    names = _pictures(tmp_path, 8)
    table = {
        "source": names,
        "label": [0.0, 1.0] * 4,
        "split": SPLITS,
        "patient": list(range(8)),
        "bmi": [None, 1.5] * 4,
    }
    parquet.write_table(pa.table(table), tmp_path / "m.parquet")
    data = read_labelled_data(tmp_path / "m.parquet", recipe=RECIPE)
    assert data.labels == ("0", "1")
    assert np.isnan(data.columns["test"]["bmi"][0])


def test_numbers_sort_by_size_and_patients_stay_words(tmp_path: Path) -> None:
    file = write_manifest(tmp_path, "source,label,patient", ["a.png,10,007", "b.png,9,7", "c.png,10,"])
    rows = read_labelled_manifest(file).rows
    assert [row.patient for row in rows] == ["007", "7", None]
    assert rows[0].source == tmp_path / "a.png"


def test_numbers_mean_places_in_the_given_labels(tmp_path: Path) -> None:
    names = _pictures(tmp_path, 8)
    rows = [f"{name},{n % 2},{SPLITS[n]}" for n, name in enumerate(names)]
    file = write_manifest(tmp_path, "source,label,split", rows)
    data = read_labelled_data(file, recipe=RECIPE, labels=("sick", "well"))
    assert data.labels == ("sick", "well")
    assert data.test.labels.tolist() == [0, 1]
    with pytest.raises(LabelError, match="no class is called '1'"):
        read_labelled_data(file, recipe=RECIPE, labels=("0", "2"))


def test_patient_in_two_splits_is_refused_with_the_count_and_without_the_name(tmp_path: Path) -> None:
    names, who = _pictures(tmp_path, 8), ["ann", "bob", "cat", "dan", "ann", "eve", "bob", "ann"]
    rows = [f"{name},{n % 2},{SPLITS[n]},{who[n]}" for n, name in enumerate(names)]
    with pytest.raises(SplitOverlapError) as caught:
        read_labelled_data(write_manifest(tmp_path, "source,label,split,patient", rows), recipe=RECIPE)
    assert caught.value.message == (
        "2 patients are in more than one split: 1 in train and validation, 2 in train and test, "
        "1 in validation and test"
    )


@pytest.mark.parametrize(
    ("header", "rows", "error", "reason"),
    [
        ("source,label", ["a.png,", "b.png,NaN", "c.png,1"], LabelError, "2 of 3 pictures have no label"),
        ("source,truth", ["a.png,1"], ManifestError, "no column `label`"),
        ("file,label", ["a.png,1"], ManifestError, "no column `source`"),
        ("source,label", [",1"], ManifestError, "row 2"),
        ("source,label,split", ["a.png,1,train", "b.png,0,holdout"], LabelError, "1 of 2 rows name another split"),
        ("source,label,split", ["a.png,1,train", "b.png,0,"], LabelError, "1 of 2 pictures are in no split"),
        ("source,label,label", ["a.png,1,1"], ManifestError, "twice"),
        ("source,label", ["a.png,1,1,1"], ManifestError, "cannot be read as a table"),
        ("source,label", [], LabelError, "names no picture"),
    ],
)
def test_manifest_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, header: str, rows: list[str], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        read_labelled_data(write_manifest(tmp_path, header, rows), recipe=RECIPE)


def test_missing_manifest_and_missing_pictures_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError):
        read_labelled_data(tmp_path / "none.csv", recipe=RECIPE)
    rows = [f"{n}.png,{n % 2}" for n in range(8)]
    with pytest.raises(LabelError, match="No such file"):
        read_labelled_data(write_manifest(tmp_path, "source,label", rows), recipe=RECIPE)
