from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner

from models.networks.spec import NetworkSpec
from models.training.choices import apply_values, parse_choices
from models.training.scopes import read_scope
from models.training.settings import AugmentSettings, TrainingSettings
from pipelines.flows.provenance import describe_run, set_flags
from pipelines.flows.train import TrainingOrder
from pipelines.flows.training.start import Prior, Start, Teacher
from pipelines.labelled.data import LabelledData
from sievert.cli import train as command
from tests.unit.models.training_samples import TINY, pictures

DATA = LabelledData(pictures(8), pictures(4), pictures(4), ("a", "b"), "my set.npz", "0" * 64, 0, 1)
CHANGED = TrainingSettings(
    seed=3,
    epochs=5,
    threads=1,
    learning_rate=0.01,
    schedule="cosine",
    keep="last",
    precision="bf16",
    mixup=0.3,
    clip_norm=1e-05,
    augment=AugmentSettings(flip=False, rotation_deg=3.5),
)
ORDERS = {
    "defaults": TrainingOrder(),
    "much": TrainingOrder(settings=CHANGED, options=dict(TINY), views="both", shape=(16, 32, 32), channels=3),
    "another recipe": TrainingOrder(prepared="mr", shape=(16, 32, 32)),
    "another start": TrainingOrder("vit", options={"size": "small"}, settings=TrainingSettings(learning_rate=5e-4)),
    "default where the start is another": TrainingOrder(arch="vit", settings=TrainingSettings()),
    "default that was chosen": TrainingOrder(fixed=("training.mixup", "network.dropout"), options={"dropout": 0.2}),
    "threshold": TrainingOrder(threshold=0.9, trials=4),
}  # fmt: skip


def _describe(order: TrainingOrder, out: Path, prior: Prior | None = None) -> dict[str, Any]:
    return describe_run(order, DATA, order.spec(2), out=out, prior=prior or Prior())


def _order_of(words: list[str]) -> TrainingOrder:
    """What the command line's own parser makes of a command."""
    app = typer.Typer()
    orders: list[TrainingOrder] = []
    app.command()(command.train)
    with (
        patch.object(command, "_run", lambda _data, _out, order, *_, **__: orders.append(order)),
        patch.object(command, "_tell", lambda *_, **__: None),
        patch.object(command, "read_scope_file", lambda file: read_scope() if file else None),
    ):
        done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (order,) = orders
    return order


@pytest.mark.parametrize("name", ORDERS)
def test_command_gives_the_order_again(name: str, tmp_path: Path) -> None:
    order = ORDERS[name]
    words = shlex.split(_describe(order, tmp_path / "out")["command"])
    assert words[:5] == ["sievert", "train", "my set.npz", "--out", "out"]
    again = _order_of(words[2:])
    assert again.spec(2) == order.spec(2)
    assert replace(again, options=order.options, fixed=order.fixed) == order
    assert set(again.fixed) >= set(order.fixed)


def test_command_names_scope_start_teachers_and_external_set(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    order = TrainingOrder(
        scope=read_scope(),
        init=tmp_path / "weights.pt",
        teachers=(tmp_path / "old", tmp_path / "wise"),
        external=tmp_path / "outside",
    )
    teachers = tuple(Teacher(order.spec(2), Start("t", content)) for content in (b"2", b"3"))
    told = _describe(order, tmp_path / "out", Prior(Start("weights.pt", b"1"), teachers))
    assert str(tmp_path) not in json.dumps(told)
    again = _order_of(shlex.split(told["command"])[2:])
    assert again.scope == order.scope
    assert (again.init, again.external) == (Path("weights.pt"), Path("outside"))
    assert again.teachers == (Path("old"), Path("wise"))
    assert told["start"]["sha256"] == Start("other", b"1").digest
    assert [one["sha256"] for one in told["teachers"]] == [Start("t", content).digest for content in (b"2", b"3")]


def test_command_of_what_was_tuned_names_what_was_found_instead_of_the_threshold(tmp_path: Path) -> None:
    tuned = TrainingOrder(
        threshold=0.99, settings=TrainingSettings(learning_rate=0.002), notes={"retraining": {"kept": "tuned"}}
    )
    told = _describe(tuned, tmp_path / "out")
    assert "--threshold" not in told["command"]
    assert "training.learning_rate=0.002" in told["command"]
    assert told["retraining"] == {"kept": "tuned"}


def test_provenance_counts_what_could_not_be_read_and_names_versions(tmp_path: Path) -> None:
    told = _describe(TrainingOrder(), tmp_path / "out")
    assert told["data"] == {"name": "my set.npz", "sha256": "0" * 64, "unreadable": 1}
    assert {"sievert", "python", "torch", "numpy"} <= told["versions"].keys()
    assert told["network"]["options"] == TrainingOrder().spec(2).options | {
        name: list(value) for name, value in TrainingOrder().spec(2).options.items() if isinstance(value, tuple)
    }


def test_content_of_the_external_folder_changes_its_hash_and_its_place_does_not(tmp_path: Path) -> None:
    hashes = []
    for place, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        folder = tmp_path / place / "outside"
        (folder / "normal").mkdir(parents=True)
        (folder / "normal" / "x.png").write_bytes(content)
        told = _describe(TrainingOrder(external=folder), tmp_path / "out")
        hashes.append(told["external"]["sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_values_that_set_writes_are_read_back() -> None:
    values: dict[str, Any] = {
        "training.keep": "last",
        "augment.flip": False,
        "network.widths": (8, 8, 16, 16),
        "training.clip_norm": 1e-05,
    }
    read = parse_choices(set_flags(values)[1::2])
    spec, settings = apply_values(NetworkSpec(arch="hybrid", shape=(28, 28)), TrainingSettings(), read)
    assert (settings.keep, settings.augment.flip, settings.clip_norm) == ("last", False, 1e-05)
    assert spec.options["widths"] == (8, 8, 16, 16)
