from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from models.metadata import Metadata
from models.networks.spec import NetworkSpec
from models.package import load_package
from tests.packages import make_package

TWO = np.array([[1.0], [-1.0]], np.float32)


def _changed(**fields: object) -> Metadata:
    return Metadata.model_validate({**load_package("default").metadata.model_dump(by_alias=True), **fields})


def test_package_from_before_the_zoo_names_no_network_but_loads() -> None:
    before = load_package("default").metadata.model_dump(mode="json", by_alias=True)
    for field in ("network", "slices", "channels", "head_tensor"):
        before.pop(field)
    metadata = Metadata.model_validate(before)
    assert metadata.network is None
    assert (metadata.shape, metadata.channels, metadata.head_tensor) == ((28, 28), 1, "head.weight")


def test_network_that_is_described_stays_with_the_package(tmp_path: Path) -> None:
    spec = NetworkSpec(arch="hybrid", shape=(16, 20), channels=1, classes=2, options={"widths": (8, 8, 8, 8)})
    package = make_package(tmp_path / "a", TWO, shape=(16, 20), network=spec)
    assert load_package(package.folder).metadata.network == spec


def test_volume_has_slices_in_its_shape(tmp_path: Path) -> None:
    metadata = make_package(tmp_path / "a", TWO, shape=(4, 6, 8)).metadata
    assert (metadata.shape, metadata.spatial_dims) == ((4, 6, 8), 3)


@pytest.mark.parametrize(
    "fields",
    [
        {"spatial_dims": 3},
        {"slices": 4},
        {"spatial_dims": 4, "slices": 4},
        {"network": NetworkSpec(arch="cnn", shape=(28, 29))},
        {"network": NetworkSpec(arch="cnn", shape=(28, 28), channels=3)},
        {"network": NetworkSpec(arch="cnn", shape=(28, 28), classes=3)},
    ],
)
def test_metadata_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _changed(**fields)
