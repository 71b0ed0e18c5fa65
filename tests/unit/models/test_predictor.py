from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.gradcam import analytic_gradcam
from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.package import ModelPackage, load_package
from models.predictor import Predictor
from models.weights import load_weights
from sievert.errors import ModelError


@pytest.fixture(scope="module")
def package() -> ModelPackage:
    return load_package("default")


@pytest.fixture(scope="module")
def predictor(package: ModelPackage) -> Predictor:
    return Predictor(package)


def _batch(images: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(images).standard_normal((images, 1, 28, 28), dtype=np.float32)


@pytest.mark.parametrize("images", [1, 5])
def test_onnx_says_what_torch_says_with_the_same_weights(
    package: ModelPackage, predictor: Predictor, images: int
) -> None:
    described = package.metadata.network or NetworkSpec(arch="hybrid", shape=(28, 28))
    network = build_network(described).eval()
    assert not load_weights(network, package.weights_file).skipped
    with torch.no_grad():
        expected = [tensor.numpy() for tensor in network(torch.from_numpy(_batch(images)))]
    for found, right in zip(predictor.run(_batch(images)), expected, strict=True):
        assert found == pytest.approx(right, abs=1e-4)


def test_image_gets_the_same_answer_alone_and_in_a_batch(predictor: Predictor) -> None:
    batch = _batch(6)
    together = predictor(batch)
    alone = [predictor(batch[index : index + 1])[0] for index in range(6)]
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert one.features == pytest.approx(other.features, abs=1e-4)


def test_probabilities_are_calibrated_and_sum_to_one(package: ModelPackage, predictor: Predictor) -> None:
    logits, _ = predictor.run(_batch(4))
    scaled = np.exp(logits / package.calibration.temperature)
    for prediction, expected in zip(predictor(_batch(4)), scaled / scaled.sum(axis=1, keepdims=True), strict=True):
        assert prediction.probabilities == pytest.approx(expected, abs=1e-5)
        assert prediction.probabilities.sum() == pytest.approx(1)


def test_pooled_features_times_the_head_give_the_logits_back(package: ModelPackage, predictor: Predictor) -> None:
    logits, features = predictor.run(_batch(3))
    assert predictor.head_weights is not None
    bias = load_file(package.weights_file)["head.bias"].numpy()
    assert features.mean(axis=(2, 3)) @ predictor.head_weights.T + bias == pytest.approx(logits, abs=1e-4)


def test_prediction_can_be_explained_without_another_pass(predictor: Predictor) -> None:
    (prediction,) = predictor(_batch(1))
    assert predictor.head_weights is not None
    explained = analytic_gradcam(prediction.features, predictor.head_weights, target=1)
    assert explained.shape == prediction.features.shape[1:]
    assert min(explained.shape) >= 7


def test_empty_batch_has_no_predictions(predictor: Predictor) -> None:
    assert predictor(_batch(0)) == []


@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 1, 28, 27), (2, 3, 28, 28)])
def test_batches_of_another_shape_are_refused(predictor: Predictor, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="reads float32"):
        predictor(np.zeros(shape, np.float32))


def test_batches_of_another_type_are_refused(predictor: Predictor) -> None:
    with pytest.raises(ModelError, match="float64"):
        predictor(_batch(1).astype(np.float64))


def test_network_that_its_metadata_does_not_describe_is_refused(package: ModelPackage) -> None:
    other = package.metadata.model_copy(update={"rows": 56, "columns": 56})
    with pytest.raises(ModelError, match="inputs"):
        Predictor(replace(package, metadata=other))


def test_labels_that_the_head_does_not_have_are_refused(package: ModelPackage) -> None:
    other = package.metadata.model_copy(update={"labels": ("normal", "pneumonia", "effusion")})
    with pytest.raises(ModelError, match="label"):
        Predictor(replace(package, metadata=other))


def test_predicting_never_imports_torch(package: ModelPackage) -> None:
    program = (
        "import sys, numpy as np; sys.modules['torch'] = None\n"
        "from models.predictor import Predictor; from models.package import load_package\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "print(len(Predictor(load_package('default'))(np.zeros((2, 1, 28, 28), np.float32))))"
    )
    root = package.folder.parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"
