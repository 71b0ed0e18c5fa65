from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.predictor import Predictor
from sievert.errors import ModelError
from tests.packages import make_package

THREE = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], np.float32)


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7)])
def test_network_reads_channels_and_the_places_that_its_metadata_says(tmp_path: Path, shape: tuple[int, ...]) -> None:
    predictor = Predictor(make_package(tmp_path / "a", THREE, shape=shape))
    batch = np.random.default_rng(0).standard_normal((4, 2, *shape), dtype=np.float32)
    logits, features = predictor.run(batch)
    pooled = np.maximum(batch, 0).reshape(4, 2, -1).mean(axis=2)
    assert logits == pytest.approx(pooled @ THREE.T, abs=1e-5)
    assert features.shape == batch.shape
    with pytest.raises(ModelError, match="reads float32"):
        predictor.run(batch[:, :1])


def test_network_without_a_linear_head_predicts_without_head_weights(tmp_path: Path) -> None:
    predictor = Predictor(make_package(tmp_path / "a", THREE, shape=(5, 7), head_tensor=None))
    assert predictor.head_weights is None
    (prediction,) = predictor(np.zeros((1, 2, 5, 7), np.float32))
    assert prediction.probabilities == pytest.approx(np.full(3, 1 / 3))


def test_recipe_of_another_size_than_the_network_reads_is_refused(tmp_path: Path) -> None:
    package = make_package(tmp_path / "a", THREE, shape=(5, 7))
    with pytest.raises(ModelError, match="recipe"):
        make_package(tmp_path / "b", THREE, shape=(5, 7), rows=6)
    assert package.recipe.output_shape == (5, 7)
