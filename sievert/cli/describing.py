"""What `sievert model show` says of a package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.package import ModelPackage


def describe_package(package: ModelPackage) -> dict[str, Any]:
    """Where a package lies, what it is for and how good it is."""
    metadata = package.metadata
    files = {"onnx": package.onnx_file, "weights": package.weights_file, "card": package.card_file}
    return {
        "name": metadata.name,
        "version": metadata.version,
        "task": metadata.task,
        "folder": str(package.folder.resolve()),
        "digest": package.digest,
        **{part: str(file.resolve()) for part, file in files.items()},
        "bytes": {part: file.stat().st_size for part, file in files.items()},
        "input": [metadata.channels, *metadata.shape],
        "network": metadata.network and metadata.network.model_dump(mode="json"),
        "labels": list(metadata.labels),
        "positive_label": metadata.positive_label,
        "modalities": list(metadata.modalities),
        "body_parts": list(metadata.body_parts),
        "recipe": package.recipe.model_dump(mode="json")["steps"],
        "calibration": package.calibration.model_dump(),
        "metrics": json.loads(package.metrics_file.read_bytes()),
    }
