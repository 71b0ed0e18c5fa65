from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from models.package import FILES
from models.packing import open_draft, write_part
from models.recipe import Recipe, standard_recipe
from sievert.errors import OutFolderError

if TYPE_CHECKING:
    from pathlib import Path


def _write(out: Path, content: str) -> None:
    with open_draft(out) as draft:
        write_part(draft, "docs/README.md", content)
        assert content not in {file.read_text() for file in out.glob("docs/*")}


def _write_half(out: Path) -> None:
    with open_draft(out) as draft:
        write_part(draft, "docs/README.md", "half")
        raise KeyboardInterrupt


def test_package_appears_whole_with_the_list_of_its_files(tmp_path: Path) -> None:
    _write(tmp_path / "deep" / "model", "card")
    assert (tmp_path / "deep" / "model" / "docs" / "README.md").read_text() == "card"
    assert list(json.loads((tmp_path / "deep" / "model" / FILES).read_text())) == ["docs/README.md"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


def test_package_that_is_there_is_replaced(tmp_path: Path) -> None:
    for content in ("old", "new"):
        _write(tmp_path / "model", content)
    assert (tmp_path / "model" / "docs" / "README.md").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_failure_halfway_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path / "model", "old")
    with pytest.raises(KeyboardInterrupt):
        _write_half(tmp_path / "model")
    assert (tmp_path / "model" / "docs" / "README.md").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_folder_that_is_no_package_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    with pytest.raises(OutFolderError), open_draft(tmp_path):
        raise AssertionError("nothing may be made for it")
    assert (tmp_path / "thesis.tex").exists()


def test_records_are_written_so_that_they_can_be_read(tmp_path: Path) -> None:
    recipe = standard_recipe(rows=2, columns=3)
    write_part(tmp_path, "a/recipe.json", recipe)
    write_part(tmp_path, "a/plain.json", {"a": 1})
    assert Recipe.model_validate_json((tmp_path / "a" / "recipe.json").read_bytes()) == recipe
    assert json.loads((tmp_path / "a" / "plain.json").read_text()) == {"a": 1}
