from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from models.package import load_package
from sievert.cli.model import app as model_app
from sievert.cli.train import train

ROOT = Path(__file__).parents[4]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(train)
    app.add_typer(model_app, name="model")
    return app


def test_model_show_names_files_that_exist(app: typer.Typer) -> None:
    shown = json.loads(CliRunner().invoke(app, ["model", "show", "default", "--json"]).stdout)
    for part in ("onnx", "weights", "card"):
        assert Path(shown[part]).is_absolute()
        assert Path(shown[part]).stat().st_size == shown["bytes"][part]
    assert shown["metrics"]["test"]["auroc"] > 0.9


def test_model_show_prints_the_card(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["model", "show"])
    assert "demonstration, not a medical device" in " ".join(done.stdout.split())
    assert load_package("default").digest in done.stdout


def test_train_hands_its_flags_over(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    made = SimpleNamespace(
        metadata=SimpleNamespace(name="noise"),
        digest="12ab",
        metrics=lambda: {"test": {"auroc": 1, "accuracy_argmax": 1}},
    )

    def note(*given: object, **_: object) -> SimpleNamespace:
        asked.append(given)
        return made

    monkeypatch.setattr("sievert.cli.train._run", note)
    flags = [
        "--arch",
        "vit",
        "--size",
        "32",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--threshold",
        "0.9",
        "--workers",
        "1:2",
    ]
    done = CliRunner().invoke(app, ["train", "noise.npz", "--out", str(tmp_path / "model"), *flags, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["digest"] == "12ab"
    ((data, out, order, crew),) = asked
    assert (data, out) == (Path("noise.npz"), tmp_path / "model")
    assert (order.arch, order.shape, order.threshold, order.trials) == ("vit", (32, 32), 0.9, 16)
    assert (order.settings.epochs, order.settings.threads) == (1, 1)
    assert (crew.fewest, crew.most, crew.storage) == (1, 2, str(tmp_path / "model.run"))


def test_commands_import_nothing_heavy_before_they_run() -> None:
    program = (
        "import sys\nimport sievert.cli.train, sievert.cli.evaluate, sievert.cli.model\n"
        "print([name for name in ('torch', 'numpy', 'cv2', 'pydantic', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
