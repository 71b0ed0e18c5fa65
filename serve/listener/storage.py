"""A storage SCP (C-STORE, C-ECHO): every instance is screened as a request's study, and answered once it is sealed.

Sources: PS3.4, annex B (Storage Service Class) and B.2.3 (statuses); PS3.7, 9.1.1; PS3.8, 9.3.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from pynetdicom import AE, evt
from pynetdicom.pdu import P_DATA_TF

from serve.api.backend import find_model
from serve.listener.contexts import contexts
from sievert.errors import ConfigError, KeyStoreError, PortTakenError, ServeError, StorageError
from sievert.records import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynetdicom.association import Association
    from pynetdicom.events import Event
    from pynetdicom.transport import AssociationSocket, ThreadedAssociationServer

    from serve.api.backend import Backend
    from sievert.branchserve import ServeSettings

STORED = 0x0000
OUT_OF_RESOURCES = 0xA700
NOT_UNDERSTOOD = 0xC000
FAILED = 0x0110
"""PS3.7, C.5.4: processing failure."""
SERVICE = "C-STORE"
_STATUS = {STORED: 200, NOT_UNDERSTOOD: 200, OUT_OF_RESOURCES: 503, FAILED: 500}
"""What HTTP would have answered: what cannot be read is a quarantined study, and kept as one."""
_UNREADABLE = {
    Reason.FORMAT_EMPTY,
    Reason.FORMAT_UNKNOWN,
    Reason.FORMAT_TRUNCATED,
    Reason.FORMAT_CORRUPT,
}
_NEGOTIATION_BYTES = 1 << 16
_LOG = logging.getLogger("sievert.serve")
# its messages quote AE titles, addresses and UIDs
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)


class DicomListener:
    """Listens on threads of its own, and has studies screened on the service's loop.

    Args:
        backend: Who screens.
        loop: Runs meanwhile, on another thread than `start` and `stop` are called from.
        settings: The branch; `dicom` has a port and names who may send.
        answered: Told of each instance: the service, what HTTP would have answered, and how long it took, in seconds.

    Raises:
        ConfigError: Nobody may send.
        ModelMissingError: The model is not served.
    """

    def __init__(
        self,
        backend: Backend,
        loop: asyncio.AbstractEventLoop,
        settings: ServeSettings,
        *,
        answered: Callable[[str, int, float], None] = lambda *_: None,
    ) -> None:
        if not settings.dicom.allowed:
            raise ConfigError("the DICOM listener has nobody who may send", remedy="Set serve.dicom.allowed.")
        self._backend, self._loop, self._settings = backend, loop, settings
        self._model = find_model(backend, settings.dicom.model)
        self._answered, self._ae = answered, self._entity()
        self._server: ThreadedAssociationServer | None = None

    def start(self) -> int:
        """Listen, and return the port.

        Raises:
            PortTakenError: Something else listens there.
        """
        address = (self._settings.dicom.host, self._settings.dicom.port or 0)
        handlers = [(evt.EVT_CONN_OPEN, self._open), (evt.EVT_PDU_RECV, self._measure), (evt.EVT_C_STORE, self._store)]
        try:
            server = self._ae.start_server(address, block=False, evt_handlers=handlers)  # type: ignore[arg-type]  # invariant
        except OSError as error:
            raise PortTakenError(f"port {address[1]} for DICOM cannot be listened on") from error
        self._server = server
        return int(server.server_address[1]) if server else 0

    def stop(self) -> None:
        """Take no further association, let those that are open finish for a while, then abort them; safe to repeat."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        until = time.monotonic() + self._settings.drain_s
        while server.active_associations and time.monotonic() < until:
            time.sleep(0.05)
        for association in server.active_associations:
            association.abort()

    def _entity(self) -> AE:
        about, most_s = self._settings.dicom, self._settings.timeout_s
        entity = AE(about.ae_title)
        entity.supported_contexts = contexts(self._model.modalities)
        entity.require_called_aet, entity.require_calling_aet = True, list(about.allowed)
        entity.maximum_pdu_size, entity.maximum_associations = about.max_pdu_bytes, about.max_associations
        entity.acse_timeout = entity.network_timeout = entity.dimse_timeout = most_s
        return entity

    def _open(self, event: Event) -> None:
        """A connection: it must not fall silent amid a PDU, nor announce one that is larger than we negotiate."""
        held = event.assoc.dul.socket
        if held is not None and held.socket is not None:
            held.socket.settimeout(self._settings.timeout_s)
            _bound(held, max(self._settings.dicom.max_pdu_bytes, _NEGOTIATION_BYTES))

    def _measure(self, event: Event) -> None:
        """An object that grows beyond what is taken ends its association while it is received."""
        message = event.assoc.dimse.message
        if message is None or message.data_set is None or not isinstance(event.pdu, P_DATA_TF):
            return
        if message.data_set.tell() + event.pdu.pdu_length > self._settings.max_body_bytes:
            _LOG.warning("a DICOM object is larger than serve.max_body_bytes; its association was aborted")
            _abort(event.assoc)

    def _store(self, event: Event) -> int:
        """One instance; the status is answered when its record is sealed, or cannot be."""
        begun = time.perf_counter()
        status = self._screen(event)
        self._answered(SERVICE, _STATUS[status], time.perf_counter() - begun)
        return status

    def _screen(self, event: Event) -> int:
        content = event.encoded_dataset()
        if len(content) > self._settings.max_body_bytes:
            return OUT_OF_RESOURCES
        screened = asyncio.run_coroutine_threadsafe(
            self._backend.screen(self._model.name, content, patient=None, shown=None), self._loop
        )
        try:
            record = screened.result(self._settings.timeout_s).record
        except (StorageError, KeyStoreError, ServeError, TimeoutError, CancelledError) as error:
            screened.cancel()
            return _told(OUT_OF_RESOURCES, error)
        except Exception as error:  # noqa: BLE001 - the text of an unforeseen one may hold a header
            return _told(FAILED, error)
        return NOT_UNDERSTOOD if record.get("reason") in _UNREADABLE else STORED


def _told(status: int, error: BaseException) -> int:
    _LOG.error("a DICOM object was answered with status 0x%04X (%s)", status, type(error).__name__)
    return status


def _abort(association: Association) -> None:
    """From the thread that receives: it must not wait for itself."""
    association.abort(block=False)
    # and what the peer goes on sending is not waited for
    threading.Timer(1.0, association.kill).start()


def _bound(held: AssociationSocket, most: int) -> None:
    """Have a socket refuse to read more at once (PS3.8, 9.3.1: a PDU announces its length, up to 4 GiB)."""
    receive = held.recv

    def recv(nr_bytes: int) -> bytearray:
        if nr_bytes > most:
            if held.socket is not None:
                held.socket.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return receive(nr_bytes)

    held.recv = recv  # type: ignore[method-assign]  # the library has no limit, nor a place for one
