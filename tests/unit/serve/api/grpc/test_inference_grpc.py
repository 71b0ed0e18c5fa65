from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.message import Message
from httpx import ASGITransport, AsyncClient
from numpy.typing import NDArray

from models.package import load_package
from models.predictor import Predictor
from serve.api.app import front_app
from serve.api.backend import Backend, LocalBackend
from serve.api.grpc import oip_pb2 as oip
from serve.api.grpc.server import InferenceGrpc
from serve.api.grpc.service import SERVICE
from sievert.branchserve import ServeSettings
from sievert.errors import ConfigError, DiskFullError, PortTakenError, SievertError
from tests.onlinebackend import READER, TOKEN, Online, authenticate

Code = grpc.StatusCode
Told = TypeVar("Told")
MOST_BYTES = 1 << 16
PLACE = ServeSettings(max_tensor_bytes=MOST_BYTES).model_copy(update={"grpc_port": 0})


class Client:
    """Calls by name, as a generated stub would make them."""

    def __init__(self, channel: grpc.aio.Channel, token: str | None) -> None:
        self._channel, self._metadata = channel, [("authorization", f"Bearer {token}")] if token else []

    async def __call__(self, name: str, request: Message) -> Message:
        answer = getattr(oip, type(request).__name__.replace("Request", "Response"))
        return answer.FromString(await self.raw(name, request.SerializeToString()))

    async def raw(self, name: str, content: bytes) -> bytes:
        return bytes(await self._channel.unary_unary(f"/{SERVICE}/{name}")(content, metadata=self._metadata))


@asynccontextmanager
async def listening(
    backend: Backend, *, token: str | None = TOKEN, settings: ServeSettings = PLACE
) -> AsyncIterator[Client]:
    server = InferenceGrpc(backend, authenticate, settings)
    port = await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Client(channel, token)
    finally:
        await server.stop()


def asking(online: Online, work: Callable[[Client], Awaitable[Told]], *, token: str | None = TOKEN) -> Told:
    async def ask() -> Told:
        async with listening(online.backend, token=token) as client:
            return await work(client)

    return asyncio.run(ask())


def images(online: Online, count: int = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(3).normal(size=(count, *online.screener.shape)).astype(np.float32)


def raw(online: Online, count: int = 3, **changes: Any) -> oip.ModelInferRequest:  # noqa: ANN401 - whatever a field holds
    sent = images(online, count)
    one: dict[str, Any] = {"name": "image", "datatype": "FP32", "shape": sent.shape, **changes}
    tensor = oip.ModelInferRequest.InferInputTensor(**one)
    return oip.ModelInferRequest(model_name="default", id="7", inputs=[tensor], raw_input_contents=[sent.tobytes()])


def typed(online: Online) -> oip.ModelInferRequest:
    asked = raw(online)
    asked.inputs[0].contents.fp32_contents.extend(images(online).ravel().tolist())
    del asked.raw_input_contents[:]
    return asked


def refused(
    online: Online, request: Message, *, name: str = "ModelInfer", token: str | None = TOKEN
) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as told:
        asking(online, lambda client: client(name, request), token=token)
    return told.value


def expected(online: Online) -> NDArray[np.float32]:
    return np.stack([one.probabilities for one in Predictor(load_package("default"))(images(online))])


def rest(online: Online) -> NDArray[np.float64]:
    app = front_app(online.backend, most_bytes=1 << 20, allowed=lambda _: lambda: None)
    sent = images(online)
    one = {"name": "image", "datatype": "FP32", "shape": sent.shape, "data": sent.ravel().tolist()}

    async def ask() -> Any:  # noqa: ANN401 - JSON
        async with AsyncClient(transport=ASGITransport(app), base_url="http://sievert") as client:
            return (await client.post("/v2/models/default/infer", json={"inputs": [one]})).json()

    told = asyncio.run(ask())["outputs"][0]
    return np.reshape(told["data"], told["shape"])


def test_raw_tensors_get_the_probabilities_of_batch_and_of_rest(online: Online) -> None:
    told = asking(online, lambda client: client("ModelInfer", raw(online)))
    found = np.frombuffer(told.raw_output_contents[0], "<f4").reshape(told.outputs[0].shape)
    assert (told.id, told.outputs[0].name, told.outputs[0].datatype) == ("7", "probabilities", "FP32")
    np.testing.assert_allclose(found, expected(online), atol=1e-5)
    np.testing.assert_allclose(found, rest(online), atol=1e-5)


def test_typed_tensors_get_typed_answers_of_the_same_probabilities(online: Online) -> None:
    told = asking(online, lambda client: client("ModelInfer", typed(online)))
    assert not told.raw_output_contents
    found = np.reshape(told.outputs[0].contents.fp32_contents, told.outputs[0].shape)
    np.testing.assert_allclose(found, expected(online), atol=1e-5)


def test_no_image_is_answered_with_no_probability(online: Online) -> None:
    told = asking(online, lambda client: client("ModelInfer", raw(online, 0)))
    assert list(told.outputs[0].shape) == [0, len(online.backend.models[0].labels)]


def test_server_and_model_describe_themselves(online: Online) -> None:
    async def ask(client: Client) -> tuple[Any, ...]:
        return (
            await client("ServerReady", oip.ServerReadyRequest()),
            await client("ModelReady", oip.ModelReadyRequest(name="default")),
            await client("ServerMetadata", oip.ServerMetadataRequest()),
            await client("ModelMetadata", oip.ModelMetadataRequest(name="default")),
        )

    ready, model_ready, server, model = asking(online, ask)
    assert (ready.ready, model_ready.ready, server.name) == (True, True, "sievert")
    assert list(model.inputs[0].shape) == [-1, *online.screener.shape]
    assert list(model.versions) == [online.backend.models[0].version]


def test_only_liveness_is_told_without_a_token(online: Online) -> None:
    assert asking(online, lambda client: client("ServerLive", oip.ServerLiveRequest()), token=None).live
    for request in (oip.ServerReadyRequest, oip.ServerMetadataRequest, oip.ModelReadyRequest, oip.ModelInferRequest):
        name = request.__name__.removesuffix("Request")
        assert refused(online, request(), name=name, token=None).code() == Code.UNAUTHENTICATED


def test_a_foreign_token_is_refused(online: Online) -> None:
    assert refused(online, raw(online), token="of-nobody").code() == Code.UNAUTHENTICATED  # noqa: S106 - nobody's


def test_who_may_not_infer_is_told_so(online: Online) -> None:
    assert refused(online, raw(online), token=READER).code() == Code.PERMISSION_DENIED


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"datatype": "FP64"},
        {"shape": [3, 1, 2, 2]},
        {"shape": []},
        {"shape": [-1, 1, 28, 28]},
        {"shape": [2**62, 1, 28, 28]},
        {"contents": oip.InferTensorContents(fp32_contents=[1])},
    ],
    ids=lambda changes: "-".join(map(str, changes)),
)
def test_an_input_of_another_kind_is_refused(online: Online, changes: dict[str, Any]) -> None:
    assert refused(online, raw(online, **changes)).code() == Code.INVALID_ARGUMENT


def test_contents_that_do_not_fit_are_refused(online: Online) -> None:
    short, both, other, none, two = raw(online), typed(online), typed(online), typed(online), raw(online)
    short.raw_input_contents[0] = short.raw_input_contents[0][:-1]
    both.raw_input_contents.append(b"")
    other.inputs[0].contents.Clear()
    other.inputs[0].contents.fp64_contents.append(1.0)
    none.inputs[0].ClearField("contents")
    two.inputs.append(two.inputs[0])
    nan = raw(online)
    nan.raw_input_contents[0] = b"\xff" * len(nan.raw_input_contents[0])
    for asked in (short, both, other, none, two, nan):
        assert refused(online, asked).code() == Code.INVALID_ARGUMENT


def test_an_unknown_output_is_refused(online: Online) -> None:
    asked = raw(online)
    asked.outputs.add(name="heatmap")
    assert refused(online, asked).code() == Code.INVALID_ARGUMENT


def test_an_unknown_model_and_version_are_not_found(online: Online) -> None:
    other, older = raw(online), raw(online)
    other.model_name, older.model_version = "other", "0.0.1"
    assert refused(online, other).code() == Code.NOT_FOUND
    assert refused(online, older).code() == Code.NOT_FOUND
    assert refused(online, oip.ModelMetadataRequest(), name="ModelMetadata").code() == Code.NOT_FOUND


def test_a_message_above_the_limit_is_refused_before_it_is_read(online: Online) -> None:
    asked = oip.ModelInferRequest(raw_input_contents=[bytes(2 * MOST_BYTES + (1 << 16))])
    assert refused(online, asked).code() == Code.RESOURCE_EXHAUSTED


def test_bytes_that_are_no_message_are_refused(online: Online) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as told:
        asking(online, lambda client: client.raw("ModelInfer", b"\xff" * 9))
    assert told.value.code() == Code.INVALID_ARGUMENT


def test_an_unknown_call_is_not_implemented(online: Online) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as told:
        asking(online, lambda client: client.raw("RepositoryIndex", b""))
    assert told.value.code() == Code.UNIMPLEMENTED


class _Failing(LocalBackend):
    """Answers late, or never."""

    def __init__(self, online: Online, error: Exception | None = None) -> None:
        self.models, self._error = online.backend.models, error

    async def infer(self, name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ARG002 - a backend's
        if self._error:
            raise self._error
        await asyncio.sleep(0.5)
        return np.zeros((len(images), len(self.models[0].labels)), np.float32)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (DiskFullError("no space is left"), Code.UNAVAILABLE, "no space is left"),
        (ValueError("DOE^JANE"), Code.INTERNAL, "something unforeseen went wrong (ValueError)"),
        (SievertError("odd"), Code.INTERNAL, "odd"),
    ],
)
def test_a_failure_is_told_without_a_word_of_what_was_sent(
    online: Online, error: Exception, code: grpc.StatusCode, told: str
) -> None:
    async def ask() -> None:
        async with listening(_Failing(online, error)) as client:
            await client("ModelInfer", raw(online))

    with pytest.raises(grpc.aio.AioRpcError) as found:
        asyncio.run(ask())
    assert (found.value.code(), found.value.details()) == (code, told)


def test_what_is_in_hand_is_answered_before_the_server_stops(online: Online) -> None:
    async def ask() -> Message:
        server = InferenceGrpc(_Failing(online), authenticate, PLACE)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{await server.start()}") as channel:
            answer = asyncio.ensure_future(Client(channel, TOKEN)("ModelInfer", raw(online)))
            await asyncio.sleep(0.2)
            await server.stop()
            return await answer

    assert asyncio.run(ask()).model_name == "default"


def test_more_calls_at_once_than_may_wait_are_refused(online: Online) -> None:
    async def ask() -> list[Any]:
        narrow = PLACE.model_copy(update={"max_ongoing": 1, "max_queued": 1})
        async with listening(_Failing(online), settings=narrow) as client:
            calls = [client("ModelInfer", raw(online)) for _ in range(8)]
            return await asyncio.gather(*calls, return_exceptions=True)

    codes = [one.code() for one in asyncio.run(ask()) if isinstance(one, grpc.aio.AioRpcError)]
    assert codes
    assert set(codes) == {Code.RESOURCE_EXHAUSTED}


def test_a_port_that_is_taken_is_said(online: Online) -> None:
    async def ask() -> None:
        first = InferenceGrpc(online.backend, authenticate, PLACE)
        port = await first.start()
        try:
            await InferenceGrpc(online.backend, authenticate, PLACE.model_copy(update={"grpc_port": port})).start()
        finally:
            await first.stop()

    with pytest.raises(PortTakenError):
        asyncio.run(ask())


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(*plain))
    return cert_file, key_file


def test_with_a_certificate_only_tls_is_spoken(online: Online, tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path)

    async def ask() -> tuple[bool, grpc.StatusCode]:
        server = InferenceGrpc(
            online.backend, authenticate, PLACE.model_copy(update={"tls_cert": cert, "tls_key": key})
        )
        port = await server.start()
        trusted = grpc.ssl_channel_credentials(cert.read_bytes())
        try:
            async with grpc.aio.secure_channel(f"localhost:{port}", trusted) as channel:
                live = (await Client(channel, TOKEN)("ServerLive", oip.ServerLiveRequest())).live
            async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
                with pytest.raises(grpc.aio.AioRpcError) as told:
                    await Client(channel, TOKEN)("ServerLive", oip.ServerLiveRequest())
            return live, told.value.code()
        finally:
            await server.stop()

    assert asyncio.run(ask()) == (True, Code.UNAVAILABLE)


def test_a_certificate_without_its_key_is_refused(online: Online, tmp_path: Path) -> None:
    half = PLACE.model_copy(update={"tls_cert": tmp_path / "cert.pem"})
    with pytest.raises(ConfigError, match="no key"):
        asyncio.run(InferenceGrpc(online.backend, authenticate, half).start())


def test_every_call_is_counted_as_http_would_have_answered_it(online: Online) -> None:
    counted: list[tuple[str, int]] = []

    async def ask() -> None:
        server = InferenceGrpc(
            online.backend, authenticate, PLACE, answered=lambda call, status, _: counted.append((call, status))
        )
        port = await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await Client(channel, TOKEN)("ModelInfer", raw(online))
            for token, request in ((None, raw(online)), (TOKEN, oip.ModelInferRequest(model_name="nobodys"))):
                with pytest.raises(grpc.aio.AioRpcError):
                    await Client(channel, token)("ModelInfer", request)
        await server.stop()

    asyncio.run(ask())
    assert counted == [(f"/{SERVICE}/ModelInfer", status) for status in (200, 401, 404)]
