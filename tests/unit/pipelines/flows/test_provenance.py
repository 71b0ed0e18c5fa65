from __future__ import annotations

import json
from typing import TYPE_CHECKING

from models.training.scopes import read_scope
from models.training.settings import TrainingSettings
from pipelines.flows.provenance import describe_run

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = TrainingSettings(seed=3, epochs=5, threads=1)


def _data(folder: Path) -> Path:
    (folder / "data.npz").write_bytes(b"pictures")
    return folder / "data.npz"


def test_command_names_the_scope_only_where_it_is_not_the_shipped_one(tmp_path: Path) -> None:
    data, other = _data(tmp_path), read_scope().model_copy(update={"name": "breast-28"})
    told = [
        describe_run(data, tmp_path / "out", SETTINGS, scope=scope, external=None)["command"]
        for scope in (read_scope(), other)
    ]
    assert told[0] == "sievert train data.npz --out out --seed 3 --epochs 5 --threads 1"
    assert told[1] == told[0] + " --scope breast-28.json"


def test_content_of_the_external_folder_changes_its_hash_and_its_place_does_not(tmp_path: Path) -> None:
    hashes = []
    for place, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        folder = tmp_path / place / "outside"
        (folder / "normal").mkdir(parents=True)
        (folder / "normal" / "x.png").write_bytes(content)
        run = describe_run(_data(tmp_path), tmp_path / "out", SETTINGS, scope=read_scope(), external=folder)
        hashes.append(run["external"]["sha256"])
        assert str(tmp_path) not in json.dumps(run)
    assert hashes[0] == hashes[1] != hashes[2]
