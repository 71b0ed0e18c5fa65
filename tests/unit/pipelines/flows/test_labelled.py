from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.training.scopes import read_scope
from models.training.settings import LabelledSet
from pipelines.flows.labelled import drop_repeats, read_labelled, read_picture, read_split
from sievert.errors import DataError, InputMissingError, LabelError

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3)
LABELS = np.array([[0], [1], [1], [0]], dtype=np.uint8)


def _save(folder: Path, **arrays: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Path:
    file = folder / "data.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type] # numpy's stub mixes up arrays and its own flag
    return file


def test_split_of_a_medmnist_file_is_read(tmp_path: Path) -> None:
    labelled = read_split(_save(tmp_path, val_images=IMAGES, val_labels=LABELS), "val", classes=2)
    assert np.array_equal(labelled.images, IMAGES)
    assert labelled.labels.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (IMAGES[:3], LABELS),
        (IMAGES.astype(np.float32), LABELS),
        (np.stack([IMAGES] * 3, axis=-1), LABELS),
        (IMAGES, LABELS + 1),
        (IMAGES[:0], LABELS[:0]),
        (IMAGES, np.array([{}] * 4, dtype=object)),
    ],
)
def test_arrays_that_cannot_be_a_labelled_split_are_refused(
    tmp_path: Path,
    images: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    labels: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
) -> None:
    file = _save(tmp_path, test_images=images, test_labels=labels)
    with pytest.raises(LabelError):
        read_split(file, "test", classes=2)


def test_missing_file_split_and_content_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError):
        read_split(tmp_path / "none.npz", "test", classes=2)
    with pytest.raises(LabelError, match="tset"):
        read_split(_save(tmp_path, test_images=IMAGES, test_labels=LABELS), "tset", classes=2)
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(LabelError):
        read_split(tmp_path / "text.npz", "test", classes=2)


def test_training_images_that_another_split_holds_are_left_out() -> None:
    train = LabelledSet(np.concatenate([IMAGES, IMAGES[1:2]]), np.array([0, 1, 1, 0, 1]))
    kept = drop_repeats(train, LabelledSet(IMAGES[3:], np.array([0])))
    assert np.array_equal(kept.images, IMAGES[:3])
    assert kept.labels.tolist() == [0, 1, 1]


def test_folder_named_as_the_positive_label_is_positive_and_all_others_are_not(tmp_path: Path) -> None:
    for name in ("pneumonia/a.png", "normal/b.png", "effusion/deep/c.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        cv2.imwrite(str(tmp_path / name), np.full((4, 5), len(name), np.uint8))
    (tmp_path / "normal" / "notes.txt").write_text("no picture")
    found = list(read_labelled(tmp_path, split="test", scope=read_scope()))
    assert [(int(pixels[0, 0]), positive) for pixels, positive in found] == [(19, False), (12, False), (15, True)]


def test_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError):
        list(read_labelled(tmp_path, split="test", scope=read_scope()))


def test_sixteen_bits_stay_and_colours_become_grey(tmp_path: Path) -> None:
    deep = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    assert np.array_equal(read_picture(tmp_path / "deep.png"), deep)
    cv2.imwrite(str(tmp_path / "rgba.png"), np.full((3, 4, 4), 90, np.uint8))
    assert np.array_equal(read_picture(tmp_path / "rgba.png"), np.full((3, 4), 90))


@pytest.mark.parametrize("name", ["broken.png", "broken.dcm"])
def test_picture_that_cannot_be_decoded_is_an_error_without_its_path(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(DataError) as caught:
        read_picture(tmp_path / name)
    assert str(tmp_path) not in caught.value.message
