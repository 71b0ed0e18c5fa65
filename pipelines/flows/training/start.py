"""What a network begins with: a model package, a pre-trained body, or a file of weights."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models.package import FILES, load_package, shipped_packages
from models.training.teaching import check_teacher
from models.weights import load_weights
from sievert.errors import ModelError, ModelMissingError

if TYPE_CHECKING:
    from models.networks.classifier import Classifier
    from models.networks.spec import NetworkSpec
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


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained network on its way to workers.

    Attributes:
        spec: Of the network.
        weights: Of its package.
    """

    spec: NetworkSpec
    weights: Start

    def build(self) -> Classifier:
        """The network with its weights."""
        from models.networks.registry import build_network

        network = build_network(self.spec)
        self.weights.load(network)
        return network


@dataclass(frozen=True, slots=True)
class Prior:
    """What a training builds on.

    Attributes:
        start: What the network begins with, or None: nothing.
        teachers: Networks that give part of the targets.
    """

    start: Start | None = None
    teachers: tuple[Teacher, ...] = ()

    @property
    def digest(self) -> str | None:
        """SHA-256 in hex over all of it; None where there is nothing."""
        digests = [f"start {self.start.digest}"] if self.start else []
        digests += [f"teacher {teacher.weights.digest}" for teacher in self.teachers]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else None


def find_teacher(model: Path, pupil: NetworkSpec) -> Teacher:
    """Read a model package that is to teach.

    Args:
        model: Name of a shipped package, or a package's folder.
        pupil: The network that it is to teach.

    Raises:
        ModelMissingError: There is none.
        ModelError: It is not as it was made, or does not say which network it is.
        NetworkInputError: It reads or tells something else than the pupil.
    """
    package = load_package(model)
    spec = package.metadata.network
    if spec is None:
        raise ModelError(f"{model.name!r} cannot teach: it does not say which network it is")
    check_teacher(spec, pupil)
    return Teacher(spec, Start(package.weights_file.name, package.weights_file.read_bytes()))


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
