"""The gRPC server around the protocol's calls: who may ask, what is refused and how, TLS, stopping."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import grpc
from google.protobuf.message import DecodeError

from serve.access.principal import Permission
from serve.api.grpc.service import SERVICE, Call, Service
from serve.api.problems import status_of
from sievert.errors import AccessError, ConfigError, ForbiddenError, PortTakenError, ServeError, SievertError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from serve.access.principal import Principal
    from serve.api.backend import Backend
    from sievert.branchserve import ServeSettings

_ENVELOPE_BYTES = 1 << 16
"""What a message may hold besides its tensor."""
_CODES = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.UNPROCESSABLE_ENTITY: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.TOO_MANY_REQUESTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_STATUS = {code: status for status, code in _CODES.items()} | {
    grpc.StatusCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR
}
"""What HTTP would have answered."""
_GONE = 499
"""Whoever asked did not wait for the answer; as the journal has it."""


class InferenceGrpc:
    """The Open Inference Protocol over gRPC; with a certificate in the settings, over TLS only.

    Args:
        backend: Who is asked.
        authenticate: Who shows this `authorization` (RFC 6750: `Bearer …`); raises `AccessError`. It is called on a
            thread: it may read or ask.
        settings: The branch; it has a `grpc_port`.
        answered: Told of each call: its path, what HTTP would have answered, and how long it took, in seconds.
    """

    def __init__(
        self,
        backend: Backend,
        authenticate: Callable[[str], Principal],
        settings: ServeSettings,
        *,
        answered: Callable[[str, int, float], None] = lambda *_: None,
    ) -> None:
        self._answered = answered
        self._service = Service(backend, most_bytes=settings.max_tensor_bytes)
        self._authenticate, self._settings = authenticate, settings
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            PortTakenError: Something else listens there.
            ConfigError: Certificate or key cannot be used.
        """
        settings = self._settings
        most = settings.max_tensor_bytes + _ENVELOPE_BYTES
        self._server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", most), ("grpc.so_reuseport", 0)],
            maximum_concurrent_rpcs=settings.max_ongoing + settings.max_queued,
        )
        handlers = {call.name: self._handler(call) for call in self._service.calls}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        port = self._bind(self._server)
        await self._server.start()
        return port

    async def stop(self) -> None:
        """Take nothing further, and answer what is in hand, for as long as a replica may drain; safe to repeat."""
        if self._server is not None:
            await self._server.stop(self._settings.drain_s)
            self._server = None

    def _bind(self, server: grpc.aio.Server) -> int:
        host, settings = self._settings.host, self._settings
        address = f"[{host}]:{settings.grpc_port}" if ":" in host else f"{host}:{settings.grpc_port}"
        credentials = _credentials(settings)
        try:
            if credentials is None:
                return int(server.add_insecure_port(address))
            return int(server.add_secure_port(address, credentials))
        except RuntimeError as error:
            raise PortTakenError(f"port {settings.grpc_port} for gRPC cannot be listened on") from error

    def _handler(self, call: Call) -> grpc.RpcMethodHandler:
        async def answer(content: bytes, context: grpc.aio.ServicerContext) -> bytes:
            begun, status = time.perf_counter(), _GONE
            try:
                if not call.is_open:
                    await self._admit(context)
                found = await call.answer(call.request.FromString(content))
                content = bytes(found.SerializeToString())
            except Exception as error:  # noqa: BLE001 - the text of an unforeseen one may hold a path or a header
                code, told = _refusal(error)
                status = int(_STATUS[code])
            else:
                status = int(HTTPStatus.OK)
                return content
            finally:
                self._answered(f"/{SERVICE}/{call.name}", status, time.perf_counter() - begun)
            return bytes(await context.abort(code, told))

        return grpc.unary_unary_rpc_method_handler(answer)

    async def _admit(self, context: grpc.aio.ServicerContext) -> None:
        shown = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
        if len(shown) != 1:
            raise _UnknownError
        try:
            principal = await asyncio.to_thread(self._authenticate, shown[0])
        except AccessError as error:
            raise _UnknownError from error
        if not principal.may(Permission.INFER):
            raise ForbiddenError("none of your roles allows to infer")


class _UnknownError(Exception):
    """Who asks has not shown who they are."""


def _refusal(error: Exception) -> tuple[grpc.StatusCode, str]:
    """An error as a status of gRPC, told without a word of what was sent."""
    if isinstance(error, _UnknownError):
        return grpc.StatusCode.UNAUTHENTICATED, "a bearer token is needed in the metadata `authorization`"
    if isinstance(error, ForbiddenError):
        return grpc.StatusCode.PERMISSION_DENIED, error.message
    if isinstance(error, ServeError):
        return grpc.StatusCode.UNAVAILABLE, error.message
    if isinstance(error, SievertError):
        return _CODES.get(HTTPStatus(status_of(error)), grpc.StatusCode.INTERNAL), error.message
    if isinstance(error, DecodeError):
        return grpc.StatusCode.INVALID_ARGUMENT, "the message cannot be understood"
    return grpc.StatusCode.INTERNAL, f"something unforeseen went wrong ({type(error).__name__})"


def _credentials(settings: ServeSettings) -> grpc.ServerCredentials | None:
    if settings.tls_cert is None:
        return None
    if settings.tls_key is None:
        raise ConfigError("there is a certificate and no key", remedy="Set serve.tls_key.")
    return grpc.ssl_server_credentials([(_read(settings.tls_key), _read(settings.tls_cert))])


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"certificate or key cannot be read ({type(error).__name__})") from error
