from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
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


def test_train_writes_a_package_that_can_be_shown(app: typer.Typer, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = draw.integers(0, 256, (16, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(16, dtype=np.uint8) % 2)[:, None]
    np.savez(tmp_path / "noise.npz", **arrays)  # type: ignore[arg-type] # numpy's stub mixes up arrays and its own flag
    out = tmp_path / "model"
    done = CliRunner().invoke(
        app, ["train", str(tmp_path / "noise.npz"), "--out", str(out), "--epochs", "1", "--threads", "1"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert json.loads(CliRunner().invoke(app, ["model", "show", str(out), "--json"]).stdout)["digest"]


def test_commands_import_nothing_heavy_before_they_run() -> None:
    program = (
        "import sys\nimport sievert.cli.train, sievert.cli.evaluate, sievert.cli.model\n"
        "print([name for name in ('torch', 'numpy', 'cv2', 'pydantic', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
