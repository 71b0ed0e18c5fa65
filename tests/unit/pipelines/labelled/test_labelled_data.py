from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.labelled.data import digest_pixels, find_first
from pipelines.labelled.reading import read_labelled_data
from tests.unit.pipelines.labelled.labelled_samples import RECIPE, medmnist, save_classes, save_npz

ARRAYS = medmnist()
DIGEST = "0bcea253915a716371d88f43bb47c761cf875854e8b02d891230b5ebb8e3bd1c"  # the same on every machine


def test_first_of_its_kind_is_kept_unless_another_split_holds_it() -> None:
    assert find_first([b"a", b"b", b"a", b"c"], [b"c"]).tolist() == [True, True, False, False]


def test_pixels_digest_alike_in_either_byte_order_and_differ_by_shape() -> None:
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3)
    assert digest_pixels(pixels) == digest_pixels(pixels.astype(">u2"))
    assert digest_pixels(pixels) != digest_pixels(pixels.reshape(3, 2))


def test_training_images_that_another_split_holds_are_left_out(tmp_path: Path) -> None:
    images = ARRAYS["train_images"].copy()
    images[0], images[5] = ARRAYS["test_images"][2], images[4]
    data = read_labelled_data(save_npz(tmp_path, **{**ARRAYS, "train_images": images}), recipe=RECIPE)
    assert data.left_out == 2
    assert np.array_equal(data.train.images[:, 0], images[[1, 2, 3, 4, 6, 7]])
    assert data.train.labels.tolist() == [1, 0, 1, 0, 0, 1]
    assert len(data.test) == 4


def test_digest_is_fixed_for_a_set_whatever_the_recipe(tmp_path: Path) -> None:
    plain = {name: np.zeros_like(values) if "images" in name else values for name, values in ARRAYS.items()}
    for number, name in enumerate(("train_images", "val_images", "test_images")):
        plain[name] += np.arange(len(plain[name]), dtype=np.uint8)[:, None, None] + np.uint8(20 * number)
    data = read_labelled_data(save_npz(tmp_path, **plain), recipe=RECIPE)
    assert data.digest == DIGEST
    again = read_labelled_data(save_npz(tmp_path, "other.npz", **plain), recipe=RECIPE, channels=3)
    assert again.digest == data.digest


def test_digest_sees_every_pixel_label_split_and_name(tmp_path: Path) -> None:
    pixels, labels, swapped = (dict(ARRAYS) for _ in range(3))
    pixels["train_images"] = ARRAYS["train_images"] ^ (np.arange(240).reshape(8, 6, 5) == 17).astype(np.uint8)
    labels["test_labels"] = 1 - ARRAYS["test_labels"]
    for kind in ("images", "labels"):
        swapped[f"val_{kind}"], swapped[f"test_{kind}"] = ARRAYS[f"test_{kind}"], ARRAYS[f"val_{kind}"]
    files = [save_npz(tmp_path, f"{n}.npz", **arrays) for n, arrays in enumerate((ARRAYS, pixels, labels, swapped))]
    digests = {read_labelled_data(file, recipe=RECIPE).digest for file in files}
    digests.add(read_labelled_data(files[0], recipe=RECIPE, labels=("a", "b")).digest)
    assert len(digests) == 5


def test_folder_reads_the_same_twice_and_otherwise_with_another_seed(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 12, "b": 12})
    first, again, other = (read_labelled_data(tmp_path, recipe=RECIPE, seed=seed) for seed in (0, 0, 1))
    assert first.digest == again.digest != other.digest
    assert np.array_equal(first.train.images, again.train.images)
