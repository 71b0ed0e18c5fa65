"""Model packages for tests, made in milliseconds: the network is written by hand, nothing is trained or exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from models.calibration import Calibration
from models.metadata import Metadata, NetworkFormat
from models.package import CALIBRATION, CARD, METADATA, METRICS, ONNX, PROVENANCE, RECIPE, WEIGHTS, load_package
from models.packing import open_draft, write_part
from models.predictor import INPUT, OUTPUTS
from models.recipe import Recipe, Resize, ZScore, volume_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.package import ModelPackage


def make_package(
    folder: Path,
    weights: NDArray[np.float32],
    *,
    shape: tuple[int, ...],
    recipe: Recipe | None = None,
    **fields: object,
) -> ModelPackage:
    """A package whose logits are `weights` [class, channel] over the mean of what is above 0 in each channel.

    Args:
        folder: Where it shall lie.
        weights: Its head.
        shape: Rows and columns, or slices, rows and columns.
        recipe: Its recipe; None: one that makes that shape.
        fields: Of its metadata, instead of those below.
    """
    metadata = _metadata(weights, shape, fields)
    with open_draft(folder) as draft:
        write_part(draft, METADATA, metadata)
        write_part(draft, RECIPE, recipe or _recipe(shape))
        write_part(draft, CALIBRATION, Calibration(temperature=1, threshold=0.5, min_confidence=0.6))
        write_part(draft, WEIGHTS, save({"head.weight": weights}))
        write_part(draft, ONNX, _network(weights, shape))
        write_part(draft, CARD, "# A package of a test\n")
        for part in (METRICS, PROVENANCE):
            write_part(draft, part, {})
    return load_package(folder)


def _metadata(weights: NDArray[np.float32], shape: tuple[int, ...], fields: dict[str, object]) -> Metadata:
    labels = fields.get("labels") or tuple(f"class {number}" for number in range(len(weights)))
    assert isinstance(labels, tuple)
    scope = {
        "name": "tiny",
        "labels": labels,
        "positive_label": labels[-1],
        "modalities": ("DX",),
        "body_parts": ("CHEST",),
        **dict.fromkeys(("task", "description", "authors", "copyright", "data_source", "data_type"), "a test"),
        "intended_use": "Tests.",
        "limits": (),
        "references": (),
    }
    about = dict.fromkeys(("version", "monai_version", "pytorch_version", "numpy_version"), "1.0.0")
    layout = {
        "changelog": {},
        "required_packages_version": {},
        "network_data_format": NetworkFormat(inputs={}, outputs={}),
        "spatial_dims": len(shape),
        "slices": shape[0] if len(shape) == 3 else None,
        "rows": shape[-2],
        "columns": shape[-1],
        "channels": weights.shape[1],
    }
    return Metadata.model_validate({**scope, **about, **layout, **fields})


def _recipe(shape: tuple[int, ...]) -> Recipe:
    if len(shape) == 3:
        return volume_recipe(slices=shape[0], rows=shape[1], columns=shape[2])
    return Recipe(steps=(Resize(rows=shape[0], columns=shape[1]), ZScore()))


def _network(weights: NDArray[np.float32], shape: tuple[int, ...]) -> bytes:
    classes, channels = weights.shape
    nodes = [
        helper.make_node("Relu", [INPUT], [OUTPUTS[1]]),
        helper.make_node("GlobalAveragePool", [OUTPUTS[1]], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "head"], [OUTPUTS[0]], transB=1),
    ]
    image = ["images", channels, *shape]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, image)],
        [
            helper.make_tensor_value_info(OUTPUTS[0], TensorProto.FLOAT, ["images", classes]),
            helper.make_tensor_value_info(OUTPUTS[1], TensorProto.FLOAT, image),
        ],
        [numpy_helper.from_array(weights, "head")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
