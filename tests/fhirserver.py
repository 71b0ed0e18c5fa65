"""A small FHIR server for tests: transactions with conditional creates and updates, search by identifier, versions.

It takes what the R4B models of fhir.resources take; a resource that is put as it
stands makes no new version, as HAPI does.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fhir.resources.R4B import get_fhir_model_class


class FhirServer:
    """Running on loopback."""

    def __init__(self) -> None:
        self.resources: dict[str, list[dict[str, Any]]] = {}
        self.versions: dict[str, int] = {}
        self.seen: list[str | None] = []
        self.refuses: int | None = None
        self.lock = Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.seen.append(self.headers.get("Authorization"))
                if server.refuses:
                    self.answer(server.refuses, {"resourceType": "OperationOutcome"})
                    return
                with server.lock:
                    server.transact(json.loads(body))
                self.answer(200, {"resourceType": "Bundle", "type": "transaction-response"})

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                with server.lock:
                    found = server.search(parts.path.rpartition("/")[2], parse_qs(parts.query))
                entries = [{"resource": resource} for resource in found]
                self.answer(200, {"resourceType": "Bundle", "type": "searchset", "entry": entries})

            def answer(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/fhir"
        Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def count(self) -> dict[str, int]:
        return {kind: len(found) for kind, found in self.resources.items()}

    def transact(self, bundle: dict[str, Any]) -> None:
        get_fhir_model_class("Bundle").model_validate(bundle)
        assert bundle["type"] == "transaction"
        places: dict[str, str] = {}
        kept: list[tuple[dict[str, Any], bool]] = []
        for entry in bundle["entry"]:
            resource, request = entry["resource"], entry["request"]
            query = request.get("ifNoneExist") or urlsplit(request["url"]).query
            there = self._find(resource["resourceType"], unquote(query.removeprefix("identifier=")))
            name = there["id"] if there else f"{len(self.versions) + len(kept)}"
            places[entry["fullUrl"]] = f"{resource['resourceType']}/{name}"
            kept.append(({**resource, "id": name}, there is None or request["method"] == "PUT"))
        for resource, written in kept:
            if written:
                self._keep(json.loads(_resolved(json.dumps(resource), places)))

    def search(self, kind: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        wanted = query["identifier"][0].split(",")
        status = query.get("status", [None])[0]
        return [
            resource
            for resource in self.resources.get(kind, [])
            if any(token in wanted for token in _tokens(resource)) and status in (None, resource["status"])
        ]

    def _find(self, kind: str, token: str) -> dict[str, Any] | None:
        found = [resource for resource in self.resources.get(kind, []) if token in _tokens(resource)]
        assert len(found) <= 1
        return found[0] if found else None

    def _keep(self, resource: dict[str, Any]) -> None:
        kind, name = resource["resourceType"], resource["id"]
        get_fhir_model_class(kind).model_validate(resource)
        others = [one for one in self.resources.get(kind, []) if one["id"] != name]
        if resource in self.resources.get(kind, []):
            return
        self.resources[kind] = [*others, resource]
        self.versions[f"{kind}/{name}"] = self.versions.get(f"{kind}/{name}", 0) + 1


def _tokens(resource: dict[str, Any]) -> list[str]:
    return [f"{one.get('system', '')}|{one['value']}" for one in resource.get("identifier", [])]


def _resolved(text: str, places: dict[str, str]) -> str:
    for url, place in places.items():
        text = text.replace(f'"{url}"', f'"{place}"')
    assert "urn:uuid:" not in text
    return text
