"""Lays a trained network out as a package that can run but is not calibrated, measured or sealed yet."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from models.calibration import Calibration
from models.metadata import Metadata, NetworkFormat, Tensor
from models.package import METADATA, ONNX, RECIPE, WEIGHTS, ModelPackage
from models.packing import write_part
from models.training.export import export_onnx, export_weights

if TYPE_CHECKING:
    from pathlib import Path

    from models.metadata import Scope
    from models.networks.compact import CompactNet
    from models.recipe import Recipe

MONAI_VERSION = "1.6.1"
"""Of the bundle format that the metadata follows; MONAI itself is not needed to train or to run."""

VERSION = "0.1.0"
"""Of the packages that this code makes."""


def draft_package(folder: Path, network: CompactNet, scope: Scope, recipe: Recipe) -> ModelPackage:
    """Write weights, ONNX, metadata and recipe, and return a package with neutral calibration and no digest.

    Args:
        folder: Where the package is being put together.
        network: Trained, in evaluation mode.
        scope: What the package is for.
        recipe: How its pictures are prepared; resizes to what the network reads.
    """
    rows, columns = recipe.output_size or (0, 0)
    metadata = _describe(network, scope, rows, columns)
    write_part(folder, WEIGHTS, export_weights(network))
    write_part(folder, ONNX, export_onnx(network, rows=rows, columns=columns))
    write_part(folder, METADATA, metadata)
    write_part(folder, RECIPE, recipe)
    neutral = Calibration(temperature=1.0, threshold=0.5, min_confidence=0.5)
    return ModelPackage(folder, metadata, recipe, neutral, digest="")


def _describe(network: CompactNet, scope: Scope, rows: int, columns: int) -> Metadata:
    return Metadata(
        **scope.model_dump(),
        version=VERSION,
        changelog={VERSION: "First release."},
        monai_version=MONAI_VERSION,
        pytorch_version=version("torch").partition("+")[0],
        numpy_version=version("numpy"),
        required_packages_version={name: version(name) for name in ("onnxruntime", "opencv-python-headless")},
        network_data_format=_describe_tensors(network, scope, rows, columns),
        rows=rows,
        columns=columns,
    )


def _describe_tensors(network: CompactNet, scope: Scope, rows: int, columns: int) -> NetworkFormat:
    channels = network.head.in_features
    image = Tensor(
        type="image",
        format="magnitude",
        modality="/".join(scope.modalities),
        num_channels=1,
        spatial_shape=(rows, columns),
        channel_def={"0": "grey, z-scored by the recipe"},
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
        spatial_shape=(rows // network.reduction, columns // network.reduction),
        value_range=(),
        channel_def={"0": f"first of {channels} channels, as pooled by the head"},
    )
    return NetworkFormat(inputs={"image": image}, outputs={"logits": logits, "features": features})
