"""A model package of any size with drawn weights: they cost no training, and time the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from models.calibration import Calibration
from models.metadata import Metadata, NetworkFormat
from models.networks.registry import build_network
from models.networks.spec import NetworkSpec
from models.package import CALIBRATION, CARD, METADATA, METRICS, ONNX, PROVENANCE, RECIPE, WEIGHTS, load_package
from models.packing import open_draft, write_part
from models.recipe import Clahe, Median, Recipe, Resize, ZScore
from models.training.export import export_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from models.package import ModelPackage


def drawn_package(folder: Path, *, arch: str, side: int) -> ModelPackage:
    """A package of two classes for chest radiographs.

    Args:
        folder: Where it shall lie; its name is the model's.
        arch: A network of the zoo.
        side: Rows and columns.
    """
    network = build_network(NetworkSpec(arch=arch, shape=(side, side))).eval()
    with open_draft(folder) as draft:
        write_part(draft, METADATA, _metadata(folder.name, side))
        write_part(
            draft,
            RECIPE,
            Recipe(steps=(Median(), Clahe(), Resize(rows=side, columns=side), ZScore())),
        )
        write_part(draft, CALIBRATION, Calibration(temperature=1, threshold=0.5, min_confidence=0.6))
        write_part(draft, WEIGHTS, save({"none": np.zeros(1, np.float32)}))
        write_part(draft, ONNX, export_onnx(network, channels=1, shape=(side, side)))
        write_part(draft, CARD, "# A package of a benchmark: its weights are drawn\n")
        for part in (METRICS, PROVENANCE):
            write_part(draft, part, {})
    return load_package(folder)


def _metadata(name: str, side: int) -> Metadata:
    texts = dict.fromkeys(("task", "description", "authors", "copyright", "data_source", "data_type"), "a benchmark")
    versions = dict.fromkeys(("version", "monai_version", "pytorch_version", "numpy_version"), "1.0.0")
    about = {
        "name": name,
        "labels": ("normal", "abnormal"),
        "positive_label": "abnormal",
        "modalities": ("DX", "CR"),
        "body_parts": ("CHEST",),
        "intended_use": "Timing.",
        "limits": (),
        "references": (),
        "changelog": {},
        "required_packages_version": {},
        "network_data_format": NetworkFormat(inputs={}, outputs={}),
        "spatial_dims": 2,
        "slices": None,
        "rows": side,
        "columns": side,
        "channels": 1,
        "head_tensor": None,
    }
    return Metadata.model_validate({**texts, **versions, **about})
