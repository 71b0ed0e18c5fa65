from __future__ import annotations

from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pytest

from models.recipe import Recipe, Rescale, ZScore
from pipelines.admit.decoded import Decoded
from pipelines.admit.nifti import decode_nifti_volume
from pipelines.labelled.reading import list_labelled, read_labelled_data
from pipelines.labelled.splitting import assign_splits
from sievert.errors import InputMissingError, LabelError, SplitOverlapError
from sievert.settings import AdmitSettings
from tests.dicoms import chest, encoded, ramp
from tests.unit.pipelines.labelled.labelled_samples import (
    RECIPE,
    VOLUMES,
    noise,
    save_classes,
    save_pictures,
    save_volume,
)


def test_folder_a_class_is_split_seventy_ten_twenty_in_every_class(tmp_path: Path) -> None:
    save_classes(tmp_path, {"sick": 20, "well": 40})
    data = read_labelled_data(tmp_path, recipe=RECIPE)
    assert data.labels == ("sick", "well")
    assert [np.bincount(part.labels).tolist() for part in (data.train, data.validation, data.test)] == [
        [14, 28],
        [2, 4],
        [4, 8],
    ]
    assert data.train.images.shape == (42, 1, 6, 5)


def test_given_labels_are_the_order_and_others_are_refused(tmp_path: Path) -> None:
    save_classes(tmp_path, {"sick": 10, "well": 20})
    data = read_labelled_data(tmp_path, recipe=RECIPE, labels=("well", "sick"))
    assert data.labels == ("well", "sick")
    assert np.bincount(data.test.labels).tolist() == [4, 2]
    with pytest.raises(LabelError, match="no class is called 'well'; there is 'sick', 'dead'"):
        read_labelled_data(tmp_path, recipe=RECIPE, labels=("sick", "dead"))


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_folders_of_splits_are_taken_as_they_are(tmp_path: Path, validation: str) -> None:
    names = [
        f"{split}/{label}/{number}.png"
        for split in ("train", validation, "test")
        for label in "ab"
        for number in (1, 2)
    ]
    save_pictures(tmp_path, [*names, "train/a/deep/er/3.png"])
    data = read_labelled_data(tmp_path, recipe=RECIPE)
    assert data.labels == ("a", "b")
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1]
    assert len(data.validation) == len(data.test) == 4


def test_splits_beside_classes_are_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["train/a/1.png", "test/a/1.png", "sick/1.png"])
    with pytest.raises(LabelError, match="other folders"):
        read_labelled_data(tmp_path, recipe=RECIPE)


def test_hidden_files_other_suffixes_and_files_above_the_classes_are_left_alone(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 10, "b": 10})
    save_pictures(tmp_path, ["overview.png", "a/.hidden.png", ".cache/c/1.png"], seed=90)
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    data = read_labelled_data(tmp_path, recipe=RECIPE)
    assert len(data.train) + len(data.validation) + len(data.test) == 20


@pytest.mark.parametrize("names", [[], ["1.png"], ["train/1.png", "test/1.png"]])
def test_folder_without_pictures_in_sub_folders_is_refused(tmp_path: Path, names: list[str]) -> None:
    save_pictures(tmp_path, names)
    with pytest.raises(LabelError, match="no pictures"):
        read_labelled_data(tmp_path, recipe=RECIPE)


def test_one_class_and_too_few_patients_are_refused(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 12})
    with pytest.raises(LabelError, match="one class only, 'a'"):
        read_labelled_data(tmp_path, recipe=RECIPE)
    save_classes(tmp_path, {"b": 2})
    with pytest.raises(LabelError, match="at least 3 patients"):
        read_labelled_data(tmp_path, recipe=RECIPE)


def test_missing_folder_and_strange_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError):
        read_labelled_data(tmp_path / "none", recipe=RECIPE)
    (tmp_path / "set.txt").write_text("nothing")
    with pytest.raises(LabelError, match="no labelled set"):
        read_labelled_data(tmp_path / "set.txt", recipe=RECIPE)


def test_one_bad_picture_in_twenty_is_left_out_and_a_second_is_too_much(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 20, "b": 20})
    for name in ("a/000.png", "b/000.png"):
        (tmp_path / name).write_bytes(b"nothing")
    data = read_labelled_data(tmp_path, recipe=RECIPE)
    assert data.unreadable == 2
    assert data.reasons == ("The content is none of DICOM, PNG, JPEG, TIFF, NIfTI, NRRD or MetaImage.",)
    assert len(data.train) + len(data.validation) + len(data.test) == 38
    (tmp_path / "a/001.png").write_bytes((tmp_path / "a/001.png").read_bytes()[:-20])
    with pytest.raises(
        LabelError, match=r"3 of 40 pictures cannot be used, more than 5 %: .* before its image does\."
    ) as caught:
        read_labelled_data(tmp_path, recipe=RECIPE)
    assert "001" not in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_pictures_of_different_size_need_a_resize(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 10, "b": 10})
    cv2.imwrite(str(tmp_path / "a" / "000.png"), noise(30, 20))
    with pytest.raises(LabelError, match="30 x 20"):
        read_labelled_data(tmp_path, recipe=Recipe(steps=(Rescale(), ZScore())))


def test_sixteen_bits_become_eight_over_their_own_range(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 10, "b": 10})
    for file in sorted(tmp_path.glob("*/*.png")):
        deep = np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), dtype=np.uint16) * np.uint16(200)
        cv2.imwrite(str(file), deep[:6, :5])
    images = read_labelled_data(tmp_path, recipe=RECIPE).train.images
    assert images.min(axis=(1, 2, 3)).max() == 0
    assert images.max(axis=(1, 2, 3)).min() == 255


def _save_dicom(file: Path, patient: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = (ramp() + np.uint16(len(list(file.parent.iterdir())))).tobytes()
    file.write_bytes(encoded(chest(PatientID=patient, PixelData=pixels)))


def test_dicom_headers_say_which_pictures_belong_together(tmp_path: Path) -> None:
    for split, patient in (("train", "P1"), ("train", "P2"), ("test", "P2"), ("test", "P3")):
        for label in "ab":
            _save_dicom(tmp_path / split / label / f"{patient}.dcm", f"{patient}{label}")
    with pytest.raises(SplitOverlapError, match="2 patients are in more than one split: 2 in train and test") as caught:
        read_labelled_data(tmp_path, recipe=RECIPE)
    assert "P2" not in caught.value.message


def test_nifti_volumes_are_read_by_a_recipe_with_slices_and_refused_by_one_without(tmp_path: Path) -> None:
    for number in range(6):
        scale = 10.0 ** (number + 1)  # as wild as brain MR from several devices
        values = noise(8, 7, 6, seed=number).astype(np.float32) * scale
        save_volume(tmp_path / "ab"[number % 2] / f"{number}.nii.gz", values)
    images = read_labelled_data(tmp_path, recipe=VOLUMES).train.images
    assert images.shape[1:] == (1, 3, 4, 5)
    assert images.std(axis=(1, 2, 3, 4)).min() > 10
    with pytest.raises(LabelError, match="The image is a volume"):
        read_labelled_data(tmp_path, recipe=RECIPE)


def test_picture_is_no_volume(tmp_path: Path) -> None:
    save_classes(tmp_path, {"a": 5, "b": 5})
    with pytest.raises(LabelError, match="read from NIfTI"):
        read_labelled_data(tmp_path, recipe=VOLUMES)


def test_volume_lies_slice_row_column_whatever_the_axes_of_its_file() -> None:
    values = np.zeros((4, 5, 6), np.float32)
    values[0, 4, 0] = 1  # leftmost, frontmost, lowest
    image = nib.Nifti1Image(values, np.eye(4))
    turned = image.as_reoriented(nib.orientations.axcodes2ornt(("S", "P", "L")))
    for one in (image, turned):
        decoded = decode_nifti_volume(one.to_bytes(), AdmitSettings())
        assert isinstance(decoded, Decoded)
        found = decoded.pixels
        assert found.shape == (6, 5, 4)
        assert found[0, 0, 0] == found.sum() == 1


def test_real_pictures_are_split_without_loss(shared_data: Path) -> None:
    listing = list_labelled(shared_data / "cxr_nih", recipe=RECIPE, labels=None)
    splits = assign_splits(listing, seed=0)
    assert listing.labels == ("no_finding", "pneumonia")
    assert {split: int((splits == split).sum()) for split in ("train", "validation", "test")} == {
        "train": 70,
        "validation": 10,
        "test": 20,
    }
