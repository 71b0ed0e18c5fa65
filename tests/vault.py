"""A small server that answers as the API of Vault's transit engine is documented to, for one mount."""

from __future__ import annotations

import base64
import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "hvs.of-the-test"  # noqa: S105 - a test's own
Answer = tuple[int, dict[str, Any] | None]


@dataclass
class TransitKey:
    """A key's versions and bounds."""

    versions: dict[int, bytes] = field(default_factory=dict)
    bounds: dict[str, int] = field(
        default_factory=lambda: {"min_decryption_version": 1, "min_encryption_version": 0, "min_available_version": 0}
    )

    @property
    def latest(self) -> int:
        return max(self.versions)

    def rotate(self) -> None:
        self.versions[max(self.versions, default=0) + 1] = os.urandom(32)


class Transit:
    """The engine's state."""

    def __init__(self) -> None:
        self.keys: dict[str, TransitKey] = {}
        self.asked: list[str] = []
        self.sealed = False

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        what, name, *action = path.split("/")
        key = self.keys.get(name)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if method == "POST" and what == "keys" and not action:
            self.keys.setdefault(name, TransitKey()).rotate()
            return 204, None
        if key is None:
            return 404, {"errors": []}
        if what == "keys":
            return self._manage(key, action[0] if action else "read", body)
        return self._encrypt(key, body) if what == "encrypt" else self._decrypt(key, body)

    def _manage(self, key: TransitKey, action: str, body: dict[str, Any]) -> Answer:
        if action == "read":
            return 200, {"data": {"latest_version": key.latest, **key.bounds, "type": "aes256-gcm96"}}
        if action == "rotate":
            key.rotate()
        elif action == "trim":
            least = body["min_available_version"]
            if least > min(key.bounds["min_decryption_version"], key.bounds["min_encryption_version"]):
                return 400, {"errors": ["minimum available version is higher than the minimum versions in use"]}
            key.versions = {number: secret for number, secret in key.versions.items() if number >= least}
            key.bounds["min_available_version"] = least
        elif max(body.values()) > key.latest:
            return 400, {"errors": ["cannot set min version higher than latest version"]}
        else:
            key.bounds |= body
        return 204, None

    def _encrypt(self, key: TransitKey, body: dict[str, Any]) -> Answer:
        version, nonce = body.get("key_version", key.latest), os.urandom(12)
        if version < key.bounds["min_encryption_version"]:
            return 400, {"errors": ["requested version for encryption is less than the minimum encryption key version"]}
        secret = AESGCM(key.versions[version]).encrypt(nonce, base64.b64decode(body["plaintext"]), None)
        told = f"vault:v{version}:{base64.b64encode(nonce + secret).decode()}"
        return 200, {"data": {"ciphertext": told, "key_version": version}}

    def _decrypt(self, key: TransitKey, body: dict[str, Any]) -> Answer:
        try:
            _, version, text = body["ciphertext"].split(":")
            number, secret = int(version.removeprefix("v")), base64.b64decode(text)
        except ValueError:
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        if number < key.bounds["min_decryption_version"] or number not in key.versions:
            return 400, {"errors": ["ciphertext or signature version is disallowed by policy (too old)"]}
        try:
            plain = AESGCM(key.versions[number]).decrypt(secret[:12], secret[12:], None)
        except (InvalidTag, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


@contextmanager
def running_vault() -> Iterator[tuple[str, Transit]]:
    """The server's address and its state."""
    transit = Transit()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            transit.asked.append(f"{self.command} {self.path}")
            status, told = self._decide(json.loads(body or b"{}"))
            content = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if status == 307:
                self.send_header("Location", "http://127.0.0.1:1/v1/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def _decide(self, body: dict[str, Any]) -> Answer:
            if self.headers.get("X-Vault-Token") != TOKEN:
                return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
            if not self.path.startswith("/v1/transit/"):
                return 307, None
            return transit.answer(self.command, self.path.removeprefix("/v1/transit/"), body)

        do_GET = do_POST = _reply  # noqa: N815 - the library's own names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", transit
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
