from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.recipe import Recipe, Resize, standard_recipe, volume_recipe
from models.training.scopes import BREAST, read_scope
from pipelines.labelled.reading import read_labelled_data
from sievert.errors import InputMissingError, LabelError
from tests.unit.pipelines.labelled.labelled_samples import RECIPE, medmnist, noise, save_npz

ARRAYS = medmnist()


def test_grey_splits_come_as_they_are_with_a_channel(tmp_path: Path) -> None:
    data = read_labelled_data(save_npz(tmp_path, **ARRAYS), recipe=RECIPE)
    assert np.array_equal(data.train.images[:, 0], ARRAYS["train_images"])
    assert np.array_equal(data.test.images[:, 0], ARRAYS["test_images"])
    assert data.validation.labels.tolist() == [0, 1, 0, 1]
    assert data.validation.labels.dtype == np.int64
    assert (data.labels, data.name, data.left_out) == (("0", "1"), "data.npz", 0)


def test_recipe_is_done_but_for_the_zscore(tmp_path: Path) -> None:
    flat = {**ARRAYS, "test_images": np.full((4, 30, 20), [[[7]], [[8]], [[9]], [[10]]], np.uint8)}
    data = read_labelled_data(save_npz(tmp_path, **flat), recipe=RECIPE)
    assert data.test.images.shape == (4, 1, 6, 5)
    assert data.test.images[:, 0, 2, 2].tolist() == [7, 8, 9, 10]


def test_colours_stay_where_three_channels_are_asked_for_and_become_luma_else(tmp_path: Path) -> None:
    file = save_npz(tmp_path, **medmnist((6, 5, 3)))
    with np.load(file) as arrays:
        stored = arrays["train_images"]
    assert np.array_equal(
        read_labelled_data(file, recipe=RECIPE, channels=3).train.images.transpose(0, 2, 3, 1), stored
    )
    grey = read_labelled_data(file, recipe=RECIPE).train.images[:, 0]
    assert np.array_equal(grey, np.rint(stored @ [0.299, 0.587, 0.114]))


def test_grey_repeats_where_three_channels_are_asked_for(tmp_path: Path) -> None:
    images = read_labelled_data(save_npz(tmp_path, **ARRAYS), recipe=RECIPE, channels=3).train.images
    assert images.shape == (8, 3, 6, 5)
    assert np.array_equal(images[:, 0], images[:, 2])


def test_recipe_with_slices_reads_volumes(tmp_path: Path) -> None:
    file = save_npz(tmp_path, **medmnist((7, 6, 5)))
    images = read_labelled_data(file, recipe=volume_recipe(slices=4, rows=3, columns=2)).train.images
    assert images.shape == (8, 1, 4, 3, 2)
    with pytest.raises(LabelError, match="row, column"):
        read_labelled_data(file, recipe=RECIPE)


def test_three_columns_are_not_taken_for_colours_of_a_volume(tmp_path: Path) -> None:
    file = save_npz(tmp_path, **medmnist((6, 5, 3)))
    recipe = Recipe(steps=(Resize(slices=6, rows=5, columns=3),))
    assert read_labelled_data(file, recipe=recipe).train.images.shape == (8, 1, 6, 5, 3)


def test_many_classes_are_numbered(tmp_path: Path) -> None:
    data = read_labelled_data(save_npz(tmp_path, **medmnist(sizes=(12, 6, 6), classes=6)), recipe=RECIPE)
    assert data.labels == ("0", "1", "2", "3", "4", "5")
    assert data.test.labels.tolist() == [0, 1, 2, 3, 4, 5]


def test_known_set_names_its_classes_and_given_labels_win(tmp_path: Path) -> None:
    file = save_npz(tmp_path, "breastmnist.npz", **ARRAYS)
    assert read_labelled_data(file, recipe=RECIPE).labels == read_scope(BREAST).labels
    assert read_labelled_data(file, recipe=RECIPE, labels=("a", "b")).labels == ("a", "b")


def test_without_a_validation_split_an_eighth_of_train_becomes_one(tmp_path: Path) -> None:
    arrays = {name: values for name, values in medmnist(sizes=(32, 4, 4)).items() if not name.startswith("val")}
    data = read_labelled_data(save_npz(tmp_path, **arrays), recipe=RECIPE)
    assert (len(data.train), len(data.validation), len(data.test)) == (28, 4, 4)
    assert np.array_equal(data.test.images[:, 0], arrays["test_images"])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"val_labels": ARRAYS["val_labels"][:3]}, "4 images but 3 labels"),
        ({"val_images": ARRAYS["val_images"].astype(np.float32)}, "float32"),
        ({"val_images": ARRAYS["val_images"][..., None]}, "uint8"),
        ({"val_labels": np.array([0.0, np.nan, 1.0, np.nan])}, "2 of 4 pictures have no label"),
        ({"val_labels": np.array([0.0, 0.5, 1.0, 0.0])}, "fractions"),
        ({"val_labels": np.array(list("abab"))}, "class numbers"),
        ({"val_labels": np.zeros((4, 14), np.uint8)}, "several labels"),
        ({"val_labels": np.array([-1, 0, 1, 0])}, "reach from -1"),
        ({"val_labels": np.array([{}] * 4, dtype=object)}, "cannot be read"),
        ({"val_images": noise(0, 6, 5), "val_labels": np.zeros((0, 1), int)}, "validation is empty"),
        ({"val_labels": np.ones(4, int)}, "validation holds one class only, '1'"),
        ({f"{split}_labels": np.zeros(n, int) for split, n in (("train", 8), ("val", 4), ("test", 4))}, "one class"),
        ({"train_labels": np.arange(8) % 2, "test_labels": np.array([0, 1, 2, 2])}, "no training picture shows '2'"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused_with_the_reason(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(LabelError, match=reason):
        read_labelled_data(save_npz(tmp_path, **{**ARRAYS, **changed}), recipe=RECIPE)


def test_labels_beyond_those_given_are_refused(tmp_path: Path) -> None:
    file = save_npz(tmp_path, **medmnist(classes=3, sizes=(9, 3, 3)))
    with pytest.raises(LabelError, match="2 classes"):
        read_labelled_data(file, recipe=RECIPE, labels=("a", "b"))


def test_missing_file_and_other_content_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError):
        read_labelled_data(tmp_path / "none.npz", recipe=RECIPE)
    with pytest.raises(LabelError, match="holds no split"):
        read_labelled_data(save_npz(tmp_path, images=noise(4, 6, 5)), recipe=RECIPE)
    (tmp_path / "text.npz").write_text("no arrays")
    np.save(tmp_path / "one", noise(4, 6, 5))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    (tmp_path / "cut.npz").write_bytes(save_npz(tmp_path, **ARRAYS).read_bytes()[:-300])
    for name in ("text.npz", "one.npz", "cut.npz"):
        with pytest.raises(LabelError, match="cannot be read"):
            read_labelled_data(tmp_path / name, recipe=RECIPE)


def test_other_channels_than_one_or_three_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="not 2"):
        read_labelled_data(save_npz(tmp_path, **ARRAYS), recipe=RECIPE, channels=2)


def test_real_sets_lose_only_their_exact_repeats(shared_data: Path) -> None:
    recipe = standard_recipe(rows=28, columns=28)
    breast = read_labelled_data(shared_data / "medmnist" / "breastmnist.npz", recipe=recipe)
    assert (len(breast.train), len(breast.validation), len(breast.test), breast.left_out) == (545, 78, 156, 1)
    assert breast.labels == ("malignant", "normal or benign")
    chest = read_labelled_data(shared_data / "medmnist" / "pneumoniamnist.npz", recipe=recipe)
    assert (len(chest.train), len(chest.validation), len(chest.test), chest.left_out) == (4682, 524, 624, 26)
