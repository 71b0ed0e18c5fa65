from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from models.package import FILES, PARTS, file_list, hash_files, load_package, shipped_packages
from sievert.errors import ModelError, ModelMissingError

SHIPPED = shipped_packages()["default"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "copy"))


def _seal(folder: Path) -> None:
    (folder / FILES).write_bytes(file_list(hash_files(folder)))


def test_shipped_package_is_whole_and_holds_every_part() -> None:
    package = load_package("default")
    assert {path.relative_to(SHIPPED).as_posix() for path in SHIPPED.rglob("*") if path.is_file()} == {*PARTS, FILES}
    assert package.onnx_file.is_file()
    assert package.weights_file.stat().st_size < 10_000_000
    assert "not a medical device" in package.card_file.read_text("utf-8")
    assert package.metadata.positive_label in package.metadata.labels


def test_digest_is_the_content_not_the_place(copy: Path) -> None:
    assert load_package(copy).digest == load_package(str(copy)).digest == load_package("default").digest


@pytest.mark.parametrize("name", [*PARTS, FILES])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_one_flipped_bit_in_any_file_is_refused(copy: Path, name: str, place: float) -> None:
    content = bytearray((copy / name).read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ModelError):
        load_package(copy)


@pytest.mark.parametrize("name", PARTS)
def test_missing_file_is_named_even_where_the_list_agrees(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_package(copy)
    _seal(copy)
    with pytest.raises(ModelError, match=name):
        load_package(copy)


def test_file_that_is_not_listed_is_refused(copy: Path) -> None:
    (copy / "models" / "model.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(ModelError, match=r"model\.pkl"):
        load_package(copy)


def test_changed_package_that_is_sealed_again_has_another_digest(copy: Path) -> None:
    card = copy / "docs" / "README.md"
    card.write_text(card.read_text("utf-8") + "\n", "utf-8")
    _seal(copy)
    assert load_package(copy).digest != load_package("default").digest


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("configs/calibration.json", "temperature", -1),
        ("configs/metadata.json", "positive_label", "gout"),
        ("configs/metadata.json", "surprise", 1),
        ("configs/metadata.json", "rows", 56),
        ("configs/recipe.json", "steps", []),
    ],
)
def test_package_that_contradicts_itself_is_refused(copy: Path, name: str, key: str, value: object) -> None:
    record = json.loads((copy / name).read_text("utf-8"))
    (copy / name).write_text(json.dumps(record | {key: value}), "utf-8")
    _seal(copy)
    with pytest.raises(ModelError):
        load_package(copy)


def test_misspelt_name_is_answered_with_the_near_one() -> None:
    with pytest.raises(ModelMissingError, match=r"'defualt'.*default"):
        load_package("defualt")


def test_missing_folder_is_told_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError) as caught:
        load_package(tmp_path / "nowhere")
    assert str(tmp_path) not in caught.value.message
    assert caught.value.exit_code == 31


def test_metadata_has_every_field_that_monai_requires() -> None:
    metadata = json.loads((SHIPPED / "configs" / "metadata.json").read_text("utf-8"))
    required = {"version", "changelog", "monai_version", "pytorch_version", "numpy_version", "schema", "task"}
    required |= {"description", "authors", "copyright", "network_data_format", "required_packages_version"}
    assert required <= set(metadata)
    image = metadata["network_data_format"]["inputs"]["image"]
    needed = {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data", "channel_def"}
    assert needed <= set(image)


def test_no_file_of_the_package_names_a_place_of_the_machine_that_made_it() -> None:
    here = (str(Path(__file__).parents[3]), str(Path.home()), sys.prefix)
    traces = (b"site-packages", b".py", b"/home/", b"/Users/", *[place.encode() for place in here])
    for file in SHIPPED.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not [trace for trace in traces if trace in content], file.name
