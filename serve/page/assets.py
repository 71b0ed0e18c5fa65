"""Style sheets and modules of the page: read once, named by what they hold, so that browsers may keep them."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def assets_router() -> APIRouter:
    """Serves `/assets/VERSION/NAME`; nothing in it is about anybody."""
    router = APIRouter()

    @router.get("/assets/{made}/{name}", include_in_schema=False)
    def asset(made: str, name: str) -> Response:
        content = _assets().get(name)
        if content is None or made != version():
            raise HTTPException(404, "there is no such file")
        return Response(content, media_type=_TYPES[name[name.rindex(".") :]], headers=_KEPT)

    return router


@cache
def version() -> str:
    """Changes with any of the files."""
    return sha256(b"".join(name.encode() + content for name, content in sorted(_assets().items()))).hexdigest()[:12]


@cache
def _assets() -> dict[str, bytes]:
    folder = files("serve.page") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith(tuple(_TYPES))}
