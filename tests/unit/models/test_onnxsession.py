from __future__ import annotations

import onnxruntime
import pytest

from models.onnxsession import GPU, open_session
from models.package import load_package
from models.predictor import Predictor
from sievert.errors import ModelError


def test_a_gpu_that_is_not_there_is_an_error_and_not_silently_the_processor() -> None:
    if GPU in onnxruntime.get_available_providers():
        pytest.skip("ONNX Runtime has a GPU here")
    with pytest.raises(ModelError, match="no GPU"):
        Predictor(load_package("default"), on_gpu=True)


def test_without_asking_the_processor_is_used() -> None:
    file = load_package("default").onnx_file
    session = open_session(file, threads=1, refused="refused")
    assert session.get_providers() == ["CPUExecutionProvider"]
