"""The calls of the Open Inference Protocol, as functions from message to message.

Source: github.com/kserve/open-inference-protocol, specification/protocol/inference_grpc.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.predictor import INPUT
from serve.api.backend import Backend, ServedModel, find_model
from serve.api.grpc import oip_pb2 as oip
from serve.api.grpc.tensors import read_images, write_probabilities
from serve.api.tensors import DATATYPE, OUTPUT
from sievert import __version__
from sievert.errors import ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SERVICE = "inference.GRPCInferenceService"
_PLATFORM = "onnx_onnxruntime"


@dataclass(frozen=True, slots=True)
class Call:
    """One of the service's calls.

    Attributes:
        name: Of the method.
        request: Class of its request.
        answer: Answers one.
        is_open: Whether anybody may make it.
    """

    name: str
    request: Any
    answer: Callable[[Any], Awaitable[Any]]
    is_open: bool = False


class Service:
    """The protocol's service.

    Args:
        backend: Who is asked.
        most_bytes: Largest tensor.
    """

    def __init__(self, backend: Backend, *, most_bytes: int) -> None:
        self._backend, self._most_bytes = backend, most_bytes

    @property
    def calls(self) -> tuple[Call, ...]:
        """All of them."""
        return (
            Call("ServerLive", oip.ServerLiveRequest, self._live, is_open=True),
            Call("ServerReady", oip.ServerReadyRequest, self._ready),
            Call("ModelReady", oip.ModelReadyRequest, self._model_ready),
            Call("ServerMetadata", oip.ServerMetadataRequest, self._metadata),
            Call("ModelMetadata", oip.ModelMetadataRequest, self._model_metadata),
            Call("ModelInfer", oip.ModelInferRequest, self._infer),
        )

    async def _live(self, _: oip.ServerLiveRequest) -> oip.ServerLiveResponse:
        return oip.ServerLiveResponse(live=True)

    async def _ready(self, _: oip.ServerReadyRequest) -> oip.ServerReadyResponse:
        return oip.ServerReadyResponse(ready=True)

    async def _model_ready(self, asked: oip.ModelReadyRequest) -> oip.ModelReadyResponse:
        self._find(asked.name, asked.version)
        return oip.ModelReadyResponse(ready=True)

    async def _metadata(self, _: oip.ServerMetadataRequest) -> oip.ServerMetadataResponse:
        return oip.ServerMetadataResponse(name="sievert", version=__version__, extensions=[])

    async def _model_metadata(self, asked: oip.ModelMetadataRequest) -> oip.ModelMetadataResponse:
        model = self._find(asked.name, asked.version)
        tensor = oip.ModelMetadataResponse.TensorMetadata
        return oip.ModelMetadataResponse(
            name=model.name,
            versions=[model.version],
            platform=_PLATFORM,
            inputs=[tensor(name=INPUT, datatype=DATATYPE, shape=[-1, *model.shape])],
            outputs=[tensor(name=OUTPUT, datatype=DATATYPE, shape=[-1, len(model.labels)])],
        )

    async def _infer(self, asked: oip.ModelInferRequest) -> oip.ModelInferResponse:
        model = self._find(asked.model_name, asked.model_version)
        images = read_images(asked, shape=model.shape, most_bytes=self._most_bytes)
        found = await self._backend.infer(model.name, images)
        return write_probabilities(model, asked, found.reshape(len(images), len(model.labels)))

    def _find(self, name: str, version: str) -> ServedModel:
        """The model; a name that is left out is no name."""
        model = find_model(self._backend, name)
        if version not in ("", model.version):
            raise ModelMissingError("that version of the model is not served", remedy=f"Served is {model.version}.")
        return model
