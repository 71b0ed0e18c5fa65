"""The Open Inference Protocol, version 2, over REST: health, metadata, inference on tensors."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel

from models.predictor import INPUT
from serve.api.backend import MODEL_NAME, Backend, ServedModel, find_model
from serve.api.examples import INFER, INFERRED, MODEL, MODEL_METADATA, shown
from serve.api.problems import described
from serve.api.tensors import DATATYPE, HEADER_LENGTH, OUTPUT, InferRequest, InferResponse, read_request, write_response
from sievert import __version__
from sievert.errors import ModelMissingError, ReplicaLostError

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTENSIONS = ["binary_tensor_data"]
_TOLD = "Name of a model, as GET /v1/models tells it."
_LENGTH = "Length of the JSON part, where raw bytes follow it (binary data extension)."
Name = Annotated[str, Path(max_length=100, pattern=MODEL_NAME, description=_TOLD, examples=["default"])]
Length = Annotated[str | None, Header(alias=HEADER_LENGTH, max_length=20, pattern="^[0-9]+$", description=_LENGTH)]
Version = Annotated[str, Path(max_length=64, pattern=MODEL_NAME, description="Version of a model.", examples=["0.2.0"])]


class TensorMetadata(BaseModel):
    """One tensor of a model; -1 is any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """A model as the protocol describes it."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The server as the protocol describes it."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """Whether the server answers."""

    live: bool


class Ready(BaseModel):
    """Whether it can be asked."""

    ready: bool


class ModelReady(BaseModel):
    """Whether a model can be asked."""

    name: str
    ready: bool


def server_router(is_ready: Callable[[], bool]) -> APIRouter:
    """What the protocol asks of a server as a whole.

    Args:
        is_ready: Whether all models can be asked; may take a moment.
    """
    router = APIRouter(tags=["Open Inference Protocol"])

    told = {"name": "sievert", "version": __version__, "extensions": _EXTENSIONS}

    @router.get("/v2", summary="Server metadata", responses=shown(told))
    async def server() -> ServerMetadata:
        return ServerMetadata(name="sievert", version=__version__, extensions=_EXTENSIONS)

    @router.get("/v2/health/live", summary="Server live", responses=shown({"live": True}))
    async def live() -> Live:
        return Live(live=True)

    @router.get("/v2/health/ready", summary="Server ready", responses=shown({"ready": True}))
    def ready() -> Ready:
        if not is_ready():
            raise ReplicaLostError("not every model can be asked yet", remedy="`sievert serve status` says which.")
        return Ready(ready=True)

    return router


def model_router(backend: Backend, *, most_bytes: int, prefix: str = "/v2/models/{name}") -> APIRouter:
    """What the protocol asks of a model.

    Args:
        backend: Who is asked.
        most_bytes: Largest tensor.
        prefix: Where the routes lie.
    """
    router = APIRouter(tags=["Open Inference Protocol"])
    _add_metadata(router, backend, prefix)
    statuses = {**_inferred(), **described(404, 422)}

    async def infer(request: Request, name: str, version: str | None, length: str | None) -> Response:
        model = _find(backend, name, version)
        asked = read_request(await request.body(), length, shape=model.shape, most_bytes=most_bytes)
        found = await backend.infer(model.name, asked.images)
        if not len(asked.images):
            found = found.reshape(0, len(model.labels))
        content, text_length = write_response(model.name, model.version, asked, found)
        if text_length is None:
            return Response(content, media_type="application/json")
        return Response(content, headers={HEADER_LENGTH: str(text_length)}, media_type="application/octet-stream")

    @router.post(
        prefix + "/infer",
        summary="Infer",
        response_model=InferResponse,
        responses=statuses,
        openapi_extra=_asked(),
    )
    async def infer_any(request: Request, name: Name, length: Length = None) -> Response:
        """Probabilities of preprocessed tensors: nothing is admitted, sealed or kept of them."""
        return await infer(request, name, None, length)

    @router.post(
        prefix + "/versions/{version}/infer",
        summary="Infer with a version",
        response_model=InferResponse,
        responses=statuses,
        openapi_extra=_asked(),
    )
    async def infer_version(request: Request, name: Name, version: Version, length: Length = None) -> Response:
        return await infer(request, name, version, length)

    return router


def _add_metadata(router: APIRouter, backend: Backend, prefix: str) -> None:
    about: dict[str, Any] = {"responses": {**shown(MODEL_METADATA), **described(404, 422)}}
    told: dict[str, Any] = {"responses": {**shown({"name": "default", "ready": True}), **described(404, 422)}}
    versioned = prefix + "/versions/{version}"

    @router.get(prefix, summary="Model metadata", **about)
    async def metadata(name: Name) -> ModelMetadata:
        return _metadata(_find(backend, name, None))

    @router.get(versioned, summary="Metadata of a version", **about)
    async def metadata_of(name: Name, version: Version) -> ModelMetadata:
        return _metadata(_find(backend, name, version))

    @router.get(prefix + "/ready", summary="Model ready", **told)
    async def ready(name: Name) -> ModelReady:
        return ModelReady(name=_find(backend, name, None).name, ready=True)

    @router.get(versioned + "/ready", summary="Version ready", **told)
    async def ready_of(name: Name, version: Version) -> ModelReady:
        return ModelReady(name=_find(backend, name, version).name, ready=True)


def _asked() -> dict[str, Any]:
    """For OpenAPI: the body, with an example; FastAPI would read it itself, and bytes behind JSON are no JSON."""
    schema = InferRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": INFER}}}}


def _inferred() -> dict[int | str, dict[str, Any]]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    header = {"description": "Length of the JSON part; with raw bytes behind it only.", "schema": {"type": "integer"}}
    content = {"application/json": {"example": INFERRED}, "application/octet-stream": binary}
    return {200: {"description": "Probabilities", "content": content, "headers": {HEADER_LENGTH: header}}}


def catalogue_router(backend: Backend) -> APIRouter:
    """`GET /v1/models`: what is served, with what it is for and how it decides."""
    router = APIRouter(tags=["models"])

    @router.get("/v1/models", summary="Models", responses=shown({"models": [MODEL]}))
    async def models() -> dict[str, list[dict[str, Any]]]:
        return {"models": [asdict(model) for model in backend.models]}

    return router


def _find(backend: Backend, name: str, version: str | None) -> ServedModel:
    model = find_model(backend, name)
    if version not in (None, model.version):
        raise ModelMissingError("that version of the model is not served", remedy=f"Served is {model.version}.")
    return model


def _metadata(model: ServedModel) -> ModelMetadata:
    return ModelMetadata(
        name=model.name,
        versions=[model.version],
        platform="onnx_onnxruntime",
        inputs=[TensorMetadata(name=INPUT, datatype=DATATYPE, shape=[-1, *model.shape])],
        outputs=[TensorMetadata(name=OUTPUT, datatype=DATATYPE, shape=[-1, len(model.labels)])],
    )
