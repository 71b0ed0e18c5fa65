"""Runs a package's network with ONNX Runtime; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.onnxsession import open_session
from sievert.errors import ModelError
from sievert.records import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import ModelPackage

INPUT = "image"
"""Name of the network's input, shape [image, channel, *place]: rows and columns, or slices, rows and columns."""

OUTPUTS = ("logits", "features")
"""Names of its outputs: [image, class], and the map that the head reads, [image, feature, *place]."""


class Predictor:
    """A resident network: made once a worker, called once a batch.

    Args:
        package: A package that `load_package` checked.
        threads: Threads that one call may use.
        alone: Threads of a call beside which its process asks for nothing else; where they are more, the network is
            opened a second time for such calls.
        on_gpu: Whether it runs on a GPU.

    Attributes:
        head_weights: Shape [class, feature], the linear head, which Grad-CAM reads; None where the network has none.

    Raises:
        ModelError: ONNX Runtime refuses the network, the head is missing, or either does not fit what the
            package says of itself.
    """

    def __init__(self, package: ModelPackage, *, threads: int = 1, alone: int = 1, on_gpu: bool = False) -> None:
        self._calibration = package.calibration
        self._shape = (package.metadata.channels, *package.metadata.shape)
        self._session = _open_session(package, threads=threads, on_gpu=on_gpu)
        self._alone = self._session if alone <= threads else _open_session(package, threads=alone, on_gpu=on_gpu)
        self.head_weights = _read_head(package)
        if self.head_weights is not None and self.head_weights.shape[0] != len(package.metadata.labels):
            raise ModelError("the model package's head does not have one row a label")

    def __call__(self, batch: NDArray[np.float32], *, alone: bool = False) -> list[Prediction]:
        """What the network says of each image, in the batch's order.

        Args:
            batch: Shape [image, channel, *place], as the package's recipe makes it; may be empty.
            alone: Whether this process asks for nothing else meanwhile.

        Raises:
            ModelError: The batch has another shape or type.
        """
        logits, features = self.run(batch, alone=alone)
        probabilities = self._calibration.probabilities(logits)
        return [Prediction(*both) for both in zip(probabilities, features, strict=True)]

    def run(
        self, batch: NDArray[np.float32], *, alone: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, shape [image, class], before calibration, and features; see `__call__`."""
        if batch.dtype != np.float32 or batch.shape[1:] != self._shape:
            raise ModelError(f"the network reads float32 images {self._shape}, not {batch.dtype} {batch.shape[1:]}")
        session = self._alone if alone else self._session
        if not len(batch):  # some of ONNX Runtime's kernels refuse an empty batch
            empty = np.zeros((1, *self._shape), np.float32)
            logits, features = session.run(OUTPUTS, {INPUT: empty})
            return logits[:0], features[:0]
        logits, features = session.run(OUTPUTS, {INPUT: batch})
        return logits, features


def _open_session(package: ModelPackage, *, threads: int, on_gpu: bool) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    refused = "ONNX Runtime refuses the model package's network"
    session = open_session(package.onnx_file, threads=threads, refused=refused, on_gpu=on_gpu)
    _check_session(session, package)
    return session


def _check_session(session: Any, package: ModelPackage) -> None:  # noqa: ANN401 - onnxruntime ships no types
    size = [package.metadata.channels, *package.metadata.shape]
    inputs = [(node.name, list(node.shape[1:])) for node in session.get_inputs()]
    outputs = tuple(node.name for node in session.get_outputs())
    if inputs != [(INPUT, size)] or outputs != OUTPUTS:
        raise ModelError("the model package's network has other inputs or outputs than its metadata says")


def _read_head(package: ModelPackage) -> NDArray[np.float32] | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if package.metadata.head_tensor is None:
        return None
    try:
        return load_file(package.weights_file)[package.metadata.head_tensor]
    except (KeyError, SafetensorError) as error:
        raise ModelError("the model package's weights hold no such head") from error
