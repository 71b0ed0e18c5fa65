"""What a network begins with: a model package, a pre-trained body, or a file of weights."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models.package import FILES, load_package, shipped_packages
from models.weights import load_weights
from sievert.errors import ModelError, ModelMissingError

if TYPE_CHECKING:
    from models.networks.classifier import Classifier
    from models.weights import LoadedWeights


@dataclass(frozen=True, slots=True)
class Start:
    """Weights on their way to workers, which may stand on other machines.

    Attributes:
        name: Of their file, without a folder; its suffix tells the format.
        content: Of that file.
    """

    name: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    def load(self, network: Classifier) -> LoadedWeights:
        """Load what fits into a network; see `load_weights` for what may be raised."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / self.name
            file.write_bytes(self.content)
            return load_weights(network, file)


def find_start(init: Path) -> Start:
    """Read the weights to start from.

    Args:
        init: Name of a shipped package, folder of a package or of a pre-trained body, or a file of weights.

    Raises:
        ModelMissingError: There is nothing.
        ModelError: A package is not as it was made.
    """
    if init.is_file():
        return Start(init.name, init.read_bytes())
    if str(init) in shipped_packages() or (init / FILES).is_file():
        file = _weights_of(init)
        return Start(file.name, file.read_bytes())
    raise ModelMissingError(
        f"there is nothing to start from at {init.name!r}",
        remedy="--init takes a model package, what `sievert pretrain` wrote, or a .safetensors, .pt or .pth file.",
    )


def _weights_of(folder: Path) -> Path:
    from models.pretraining.body_package import is_body, load_body

    if is_body(folder):
        return load_body(folder).weights_file
    try:
        return load_package(folder).weights_file
    except ModelMissingError:
        raise
    except ModelError as error:
        raise ModelError(f"{folder.name!r} cannot be started from: {error.message}", remedy=error.remedy) from error
