"""Lays a trained network out as a package that can run but is not calibrated, measured or sealed yet."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import torch

from models.calibration import Calibration
from models.metadata import Metadata, NetworkFormat, Tensor
from models.networks.classifier import HEAD_TENSOR
from models.networks.views import looking
from models.package import METADATA, ONNX, RECIPE, WEIGHTS, ModelPackage
from models.packing import write_part
from models.training.export import export_onnx, export_weights

if TYPE_CHECKING:
    from pathlib import Path

    from models.metadata import Scope
    from models.networks.classifier import Classifier
    from models.recipe import Recipe

MONAI_VERSION = "1.6.1"
"""Of the bundle format that the metadata follows; MONAI itself is not needed to run a package."""

VERSION = "0.2.0"
"""Of the packages that this code makes."""


def draft_package(folder: Path, network: Classifier, scope: Scope, recipe: Recipe) -> ModelPackage:
    """Write weights, ONNX, metadata and recipe, and return a package with neutral calibration and no digest.

    Args:
        folder: Where the package is being put together.
        network: Trained, in evaluation mode, on the CPU.
        scope: What the package is for.
        recipe: How its pictures are prepared; resizes to what the network reads.
    """
    metadata = _describe(network, scope)
    write_part(folder, WEIGHTS, export_weights(network))
    write_part(folder, ONNX, export_onnx(looking(network), channels=network.spec.channels, shape=network.spec.shape))
    write_part(folder, METADATA, metadata)
    write_part(folder, RECIPE, recipe)
    neutral = Calibration(temperature=1.0, threshold=0.5, min_confidence=0.5)
    return ModelPackage(folder, metadata, recipe, neutral, digest="")


def _describe(network: Classifier, scope: Scope) -> Metadata:
    shape = network.spec.shape
    return Metadata(
        **scope.model_dump(),
        version=VERSION,
        changelog={VERSION: "First release of this package format."},
        monai_version=MONAI_VERSION,
        pytorch_version=version("torch").partition("+")[0],
        numpy_version=version("numpy"),
        required_packages_version={name: version(name) for name in ("onnxruntime", "opencv-python-headless")},
        network_data_format=_describe_tensors(network, scope),
        network=network.spec,
        head_tensor=HEAD_TENSOR if network.linear else None,
        spatial_dims=len(shape),
        slices=shape[0] if len(shape) > 2 else None,  # noqa: PLR2004 - a volume
        rows=shape[-2],
        columns=shape[-1],
        channels=network.spec.channels,
    )


def _describe_tensors(network: Classifier, scope: Scope) -> NetworkFormat:
    spec = network.spec
    with torch.no_grad():
        channels, *places = network(torch.zeros(1, spec.channels, *spec.shape))[1].shape[1:]
    image = Tensor(
        type="image",
        format="magnitude",
        modality="/".join(scope.modalities),
        num_channels=spec.channels,
        spatial_shape=spec.shape,
        channel_def={str(number): _name_channel(number, spec.channels) for number in range(spec.channels)},
    )
    logits = Tensor(
        type="probabilities",
        format="logits",
        num_channels=len(scope.labels),
        spatial_shape=(),
        channel_def={str(number): label for number, label in enumerate(scope.labels)},
    )
    features = Tensor(
        type="feature",
        format="features",
        num_channels=channels,
        spatial_shape=tuple(places),
        value_range=(),
        channel_def={"0": f"first of {channels} channels, as the head reads them"},
    )
    return NetworkFormat(inputs={"image": image}, outputs={"logits": logits, "features": features})


def _name_channel(number: int, channels: int) -> str:
    return "grey, z-scored by the recipe" if channels == 1 else f"channel {number}, z-scored by the recipe"
