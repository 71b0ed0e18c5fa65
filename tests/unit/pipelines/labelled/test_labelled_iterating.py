from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.recipe import standard_recipe
from pipelines.labelled.iterating import has_own_splits, iterate_labelled
from pipelines.labelled.reading import read_labelled_data
from pipelines.labelled.unlabelled import read_unlabelled
from pipelines.preprocess.steps import apply_recipe
from sievert.errors import InputMissingError, LabelError
from tests.unit.pipelines.labelled.labelled_samples import (
    RECIPE,
    VOLUMES,
    medmnist,
    noise,
    save_classes,
    save_npz,
    save_pictures,
    save_volume,
    write_manifest,
)

LABELS = ("a", "b")


def test_images_of_a_split_come_ready_for_the_network(tmp_path: Path) -> None:
    arrays = medmnist()
    found = list(iterate_labelled(save_npz(tmp_path, **arrays), split="test", recipe=RECIPE, labels=LABELS))
    assert [number for _, number, _ in found] == [0, 1, 0, 1]
    for (image, _, columns), pixels in zip(found, arrays["test_images"], strict=True):
        assert np.array_equal(image, apply_recipe(pixels, RECIPE))
        assert columns == {}


def test_splits_are_those_that_training_saw(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 12, "b": 18})
    seen = read_labelled_data(tmp_path, recipe=RECIPE, seed=5).test
    for labels in (("a", "b"), ("b", "a")):
        found = list(iterate_labelled(tmp_path, split="test", recipe=RECIPE, labels=labels, seed=5))
        assert len(found) == len(seen)
        for (image, _, _), pixels in zip(found, seen.images, strict=True):
            assert image == pytest.approx((pixels - pixels.mean()) / (pixels.std() + 1e-6), abs=1e-4)


def test_without_a_split_all_are_read_with_their_columns(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png", "1.png", "2.png"])
    file = write_manifest(tmp_path, "source,label,sex", ["0.png,a,F", "1.png,b,M", "2.png,b,F"])
    found = list(iterate_labelled(file, split=None, recipe=RECIPE, labels=("b", "a")))
    assert [(number, columns) for _, number, columns in found] == [
        (1, {"sex": "F"}),
        (0, {"sex": "M"}),
        (0, {"sex": "F"}),
    ]


def test_other_classes_count_as_the_one_that_is_named_for_them(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["pneumonia/1.png", "effusion/1.png", "no_finding/1.png"])
    labels = ("normal", "pneumonia")
    found = list(iterate_labelled(tmp_path, split=None, recipe=RECIPE, labels=labels, unknown_as=0))
    assert [number for _, number, _ in found] == [0, 0, 1]
    with pytest.raises(LabelError, match="'effusion', 'no_finding'"):
        iterate_labelled(tmp_path, split=None, recipe=RECIPE, labels=labels)


def test_nothing_is_decoded_before_it_is_asked_for_but_the_set_is_checked_at_once(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 30, "b": 30})
    (tmp_path / "b" / "029.png").write_bytes(b"nothing")
    reasons: list[str] = []
    pictures = iterate_labelled(tmp_path, split=None, recipe=RECIPE, labels=LABELS, on_unreadable=reasons.append)
    next(pictures)
    assert reasons == []
    assert len(list(pictures)) == 58
    assert reasons == ["The content is none of DICOM, PNG, JPEG, TIFF, NIfTI, NRRD or MetaImage."]
    with pytest.raises(LabelError, match="one class"):
        iterate_labelled(tmp_path, split=None, recipe=RECIPE, labels=("a", "c"), unknown_as=0)
    with pytest.raises(InputMissingError):
        iterate_labelled(tmp_path / "none", split=None, recipe=RECIPE, labels=LABELS)


def test_too_many_bad_pictures_end_it(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 5, "b": 5})
    (tmp_path / "b" / "004.png").write_bytes(b"nothing")
    with pytest.raises(LabelError, match="1 of 10"):
        list(iterate_labelled(tmp_path, split=None, recipe=RECIPE, labels=LABELS))


def test_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    names = ["test/a/1.png", "test/b/1.png"]
    save_pictures(tmp_path, names)
    assert len(list(iterate_labelled(tmp_path, split="test", recipe=RECIPE, labels=LABELS))) == 2
    with pytest.raises(LabelError, match="no split 'validation'"):
        iterate_labelled(tmp_path, split="validation", recipe=RECIPE, labels=LABELS)


def test_whether_a_set_has_splits_is_told(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["x/test/a/1.png", "x/test/b/1.png", "y/a/1.png", "y/b/1.png"])
    assert has_own_splits(tmp_path / "x")
    assert not has_own_splits(tmp_path / "y")
    assert has_own_splits(save_npz(tmp_path, **medmnist()))


def test_volumes_come_one_by_one(tmp_path: Path) -> None:
    for label in LABELS:
        save_volume(tmp_path / label / "1.nii", noise(6, 5, 4, seed=ord(label)).astype(np.int16))
    images = [image for image, _, _ in iterate_labelled(tmp_path, split=None, recipe=VOLUMES, labels=LABELS)]
    assert [image.shape for image in images] == [(1, 3, 4, 5)] * 2
    assert images[0].mean() == pytest.approx(0, abs=1e-5)


def test_pre_training_sees_the_training_split_only_unless_told_otherwise(tmp_path: Path) -> None:
    arrays = medmnist()
    file = save_npz(tmp_path, **arrays)
    assert np.array_equal(read_unlabelled(file, recipe=RECIPE)[:, 0], arrays["train_images"])
    assert len(read_unlabelled(file, recipe=RECIPE, splits=("train", "validation"))) == 12
    save_pictures(tmp_path / "set", ["train/deep/1.png", "train/2.png", "test/3.png"])
    assert read_unlabelled(tmp_path / "set", recipe=RECIPE, channels=3).shape == (2, 3, 6, 5)


def test_folder_of_any_depth_and_sources_of_a_manifest_need_no_labels(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png", "x/1.png", "x/y/2.png"])
    assert read_unlabelled(tmp_path, recipe=RECIPE).shape == (3, 1, 6, 5)
    rows = ["0.png,train", "x/1.png,test", "x/y/2.png,train"]
    assert len(read_unlabelled(write_manifest(tmp_path, "source,split", rows), recipe=RECIPE)) == 2
    assert len(read_unlabelled(write_manifest(tmp_path, "source,label", rows), recipe=RECIPE)) == 3


def test_no_picture_to_pre_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no picture"):
        read_unlabelled(tmp_path, recipe=RECIPE)
    with pytest.raises(InputMissingError):
        read_unlabelled(tmp_path / "none", recipe=RECIPE)


def test_real_volumes_of_wild_intensity_are_comparable(shared_data: Path, tmp_path: Path) -> None:
    for file in sorted((shared_data / "hippocampus" / "images").iterdir())[:8]:
        (tmp_path / file.name).symlink_to(file)
    images = read_unlabelled(tmp_path, recipe=VOLUMES)
    assert images.shape == (8, 1, 3, 4, 5)
    assert images.mean(axis=(1, 2, 3, 4)).min() > 30


def test_real_pictures_stored_in_colour_are_read_as_grey(shared_data: Path) -> None:
    recipe = standard_recipe(rows=28, columns=28)
    found = iterate_labelled(
        shared_data / "cxr_nih", split=None, recipe=recipe, labels=("normal", "pneumonia"), unknown_as=0
    )
    assert next(found)[0].shape == (1, 28, 28)
