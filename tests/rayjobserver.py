"""An API server that knows RayJobs and nothing else: it keeps state, sends watches, and notes verbs."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
_QUIET_S = 0.3


class RayJobServer:
    """Started at once, on a port of its own.

    Attributes:
        jobs: RayJobs by name.
        verbs: What it was asked to do, as RBAC calls it.
        refuse: Status by verb, where it refuses.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Object] = {}
        self.verbs: list[str] = []
        self.refuse: dict[str, int] = {}
        self.asked: list[str] = []
        self._version = 0
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"keeper": self}))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, name: str, body: Object | None = None, **status: str) -> None:
        """Make or change a RayJob, as the operator would."""
        with self._changed:
            self._version += 1
            job = self.jobs.setdefault(name, {"metadata": {"name": name}, **(body or {})})
            job["metadata"]["resourceVersion"] = str(self._version)
            job["status"] = {**job.get("status", {}), **status}
            self._changed.notify_all()

    def await_change(self, name: str, after: int, timeout_s: float) -> Object | None:
        """The RayJob once it is newer, or None."""
        with self._changed:

            def newer() -> bool:
                return int(self.jobs.get(name, {}).get("metadata", {}).get("resourceVersion", 0)) > after

            return self.jobs[name] if self._changed.wait_for(newer, timeout_s) else None


class _Handler(BaseHTTPRequestHandler):
    keeper: RayJobServer

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        name = path.partition("/rayjobs")[2].strip("/")
        if "watch" in query:
            self._watch(query["fieldSelector"][0].partition("=")[2], int(query["resourceVersion"][0]))
        elif name:
            self._answer("get", self.keeper.jobs.get(name))
        else:
            self.keeper.asked += query.get("labelSelector", [])
            self._answer("list", {"items": list(self.keeper.jobs.values())})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.keeper.asked += parse_qs(urlsplit(self.path).query).get("fieldValidation", [])
        name = body["metadata"]["name"]
        if name in self.keeper.jobs:
            self.keeper.verbs.append("create")
            self._send(409, {"reason": "AlreadyExists"})
        elif "create" not in self.keeper.refuse:
            self.keeper.put(name, body)
            self._answer("create", self.keeper.jobs[name])
        else:
            self._answer("create", None)

    def _watch(self, name: str, after: int) -> None:
        self.keeper.verbs.append("watch")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        while (job := self.keeper.await_change(name, after, _QUIET_S)) is not None:
            after = int(job["metadata"]["resourceVersion"])
            self.wfile.write(json.dumps({"type": "MODIFIED", "object": job}).encode() + b"\n")
            self.wfile.flush()

    def _answer(self, verb: str, body: Object | None) -> None:
        self.keeper.verbs.append(verb)
        status = self.keeper.refuse.get(verb, 404 if body is None else 200)
        self._send(status, body if status == 200 and body is not None else {"reason": "refused"})

    def _send(self, status: int, body: Object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests say what they claim themselves."""
