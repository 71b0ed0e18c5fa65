"""An API server with RayJobs, pods, their logs, events and ConfigMaps: it keeps state and notes what it was asked."""

from __future__ import annotations

import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]
_VERBS = {"GET": "get", "PATCH": "patch", "DELETE": "delete"}


class KubeServer:
    """Started at once, on a port of its own; it has one namespace, `clinic`.

    Attributes:
        rayjobs: By name.
        pods: By name; `log` among a pod's keys is what it printed.
        events: All of the namespace.
        templates: Texts of the ConfigMaps' key `rayjob.yaml`, by name.
        refuse: Status and message by verb and resource, where it refuses.
        token: What it takes; None: anybody.
        late_s: How far behind its clock is.
        asked: Verb, resource and name of each request.
        validation: What each patch asked for.
    """

    def __init__(self) -> None:
        self.rayjobs: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.events: list[Object] = []
        self.templates: dict[str, str] = {}
        self.refuse: dict[tuple[str, str], tuple[int, str]] = {}
        self.token: str | None = None
        self.late_s = 0.0
        self.asked: list[tuple[str, str, str]] = []
        self.validation: list[str] = []
        handler = type("Handler", (_Handler,), {"keeper": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, name: str, **status: str) -> None:
        """Change a RayJob's status, as the operator would."""
        job = self.rayjobs[name]
        job["status"] = {**job.get("status", {}), **status}

    def put_pod(self, name: str, job: str, log: str = "", status: Mapping[str, Any] | None = None) -> None:
        """The submitter's pod."""
        labels = {"batch.kubernetes.io/job-name": job}
        self.pods[name] = {"metadata": {"name": name, "labels": labels}, "status": status or {}, "log": log}

    def warn(self, about: str, message: str) -> None:
        """A Warning event."""
        self.events.append({"type": "Warning", "involvedObject": {"name": about}, "message": message})

    def kubeconfig(self, file: Path, token: str | None = None) -> Path:
        """Write one that leads here."""
        tree = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": {"token": token or self.token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "clinic"}}],
        }
        file.write_text(yaml.safe_dump(tree), "utf-8")
        return file


class _Handler(BaseHTTPRequestHandler):
    keeper: KubeServer

    def do_GET(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        resource, name, rest = self._where()
        verb = "list" if self.command == "GET" and not name else _VERBS[self.command]
        resource = f"{resource}/{rest}" if rest else resource
        self.keeper.asked.append((verb, resource, name))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.keeper.token and self.headers.get("Authorization") != f"Bearer {self.keeper.token}":
            self._refuse(401, "Unauthorized")
        elif "/namespaces/clinic/" not in self.path and resource != "configmaps":
            self._refuse(404, 'namespaces "elsewhere" not found')
        elif refused := self.keeper.refuse.get((verb, resource)):
            self._refuse(*refused)
        else:
            getattr(self, f"_{verb}_{resource.replace('/', '_')}")(name, body)

    def _where(self) -> tuple[str, str, str]:
        parts = urlsplit(self.path).path.partition("/namespaces/")[2].split("/")[1:]
        return parts[0], parts[1] if len(parts) > 1 else "", "/".join(parts[2:])

    def _get_configmaps(self, name: str, _: bytes) -> None:
        if name not in self.keeper.templates or "/namespaces/clinic/" not in self.path:
            self._refuse(404, f'configmaps "{name}" not found')
        else:
            self._send({"metadata": {"name": name}, "data": {"rayjob.yaml": self.keeper.templates[name]}})

    def _get_rayjobs(self, name: str, _: bytes) -> None:
        if name in self.keeper.rayjobs:
            self._send(self.keeper.rayjobs[name])
        else:
            self._refuse(404, f'rayjobs.ray.io "{name}" not found')

    def _list_rayjobs(self, _: str, __: bytes) -> None:
        label = self._query("labelSelector")
        found = [job for job in self.keeper.rayjobs.values() if label in job["metadata"]["labels"]]
        self._send({"items": found})

    def _patch_rayjobs(self, name: str, body: bytes) -> None:
        """Server-side apply: JSON is YAML."""
        assert self.headers["Content-Type"] == "application/apply-patch+yaml"
        assert self._query("fieldManager")
        self.keeper.validation.append(self._query("fieldValidation"))
        there = name in self.keeper.rayjobs
        applied = yaml.safe_load(body)
        applied["metadata"]["creationTimestamp"] = f"2027-01-01T00:00:{len(self.keeper.rayjobs):02d}Z"
        self.keeper.rayjobs[name] = {**applied, "status": self.keeper.rayjobs.get(name, {}).get("status", {})}
        self._send(self.keeper.rayjobs[name], 200 if there else 201)

    def _delete_rayjobs(self, name: str, _: bytes) -> None:
        self.keeper.rayjobs.pop(name)
        self._send({"kind": "Status", "status": "Success"})

    def _list_pods(self, _: str, __: bytes) -> None:
        name, _sign, value = self._query("labelSelector").partition("=")
        found = [pod for pod in self.keeper.pods.values() if pod["metadata"]["labels"].get(name) == value]
        self._send({"items": found})

    def _get_pods_log(self, name: str, _: bytes) -> None:
        self._send_bytes(self.keeper.pods[name]["log"].encode(), 200, "text/plain")

    def _list_events(self, _: str, __: bytes) -> None:
        assert self._query("fieldSelector") == "type=Warning"
        self._send({"items": self.keeper.events})

    def _query(self, name: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

    def _refuse(self, status: int, message: str) -> None:
        self._send({"kind": "Status", "message": message, "code": status}, status)

    def _send(self, body: Object, status: int = 200) -> None:
        self._send_bytes(json.dumps(body).encode(), status, "application/json")

    def _send_bytes(self, content: bytes, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) - self.keeper.late_s, usegmt=True)

    def log_message(self, *_: object) -> None:
        """Tests say what they claim themselves."""
