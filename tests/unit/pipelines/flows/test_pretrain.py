from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.package import PROVENANCE
from models.pretraining.settings import PretrainSettings
from models.pretraining.simclr import pretrain_body
from models.training.settings import LabelledSet
from pipelines.flows import pretrain as flow
from pipelines.flows.pretrain import PretrainOrder, pretrain
from pipelines.flows.training.pretraining import PretrainFollower
from pipelines.flows.training.run import Crew
from pipelines.flows.training.start import find_start
from pipelines.flows.training.storage import RunStorage
from sievert.errors import InputMissingError, OutFolderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.pretraining.body_package import Body

ORDER = PretrainOrder(
    spec=NetworkSpec(arch="hybrid", shape=(28, 28), options={"dropout": 0.1}),
    settings=PretrainSettings(epochs=1, batch_size=8, threads=1, seed=3),
)


def _follower() -> PretrainFollower:
    return PretrainFollower(lambda _: None, lambda _: None)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("data")
    draw = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, images in (("train", 12), ("val", 4), ("test", 6)):
        arrays[f"{split}_images"] = draw.integers(0, 256, (images, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(images) % 2)[:, None]
    np.savez(folder / "a.npz", **arrays)
    np.savez(folder / "b.npz", **{**arrays, "train_images": 255 - arrays["train_images"]})
    return [folder / "a.npz", folder / "b.npz"]


@pytest.fixture(scope="module")
def body(data: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Body:
    place = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        seen: list[int] = []
        patch.setattr(flow, "fit_body", _fit_here(seen))
        body = pretrain(data, place / "body", ORDER, crew=Crew(1, 1, str(place / "run")), follower=_follower())
    assert seen == [24]
    assert not (place / "run").exists()
    return body


def _fit_here(seen: list[int]) -> Callable[..., Any]:
    """What the workers do, without a cluster."""

    def fit(pictures: LabelledSet, spec: NetworkSpec, settings: PretrainSettings, **others: Any) -> Any:  # noqa: ANN401
        seen.append(len(pictures))
        RunStorage(others["crew"].storage).save_sets("sets.npz", pictures, pictures)
        return pretrain_body(pictures, spec, settings, on_epoch=lambda _: None)

    return fit


def test_training_splits_of_all_sets_are_learnt_from_and_no_other(body: Body) -> None:
    told = json.loads((body.folder / PROVENANCE).read_bytes())["data"]
    assert [(one["name"], one["images"]) for one in told] == [("a.npz", 12), ("b.npz", 12)]
    assert told[0]["sha256"] != told[1]["sha256"]


def test_provenance_makes_it_again_and_names_no_place(body: Body, data: list[Path]) -> None:
    text = (body.folder / PROVENANCE).read_text("utf-8")
    told = json.loads(text)
    assert told["command"] == (
        "sievert pretrain a.npz b.npz --out body --arch hybrid --size 28x28 --set training.seed=3 "
        "--set training.threads=1 --set training.epochs=1 --set training.batch_size=8 --set network.dropout=0.1"
    )
    assert [epoch["number"] for epoch in told["epochs"]] == [1]
    assert told["network"]["options"]["dropout"] == 0.1
    assert str(data[0].parent) not in text


def test_network_starts_from_the_body_with_a_head_of_its_own(body: Body) -> None:
    network = build_network(body.spec.model_copy(update={"classes": 5}))
    loaded = find_start(body.folder).load(network)
    assert loaded.loaded == sum(name.startswith("body.") for name in network.state_dict())
    assert all("head." in line for line in loaded.skipped)


def test_nothing_is_read_where_the_result_may_not_lie(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    with pytest.raises(OutFolderError):
        pretrain([tmp_path / "none"], tmp_path, ORDER, crew=Crew(1, 1, "unused"), follower=_follower())


def test_missing_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError):
        pretrain([tmp_path / "a.npz"], tmp_path / "out", ORDER, crew=Crew(1, 1, "unused"), follower=_follower())
