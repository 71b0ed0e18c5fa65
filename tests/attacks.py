"""What somebody sends in bad faith: requests, tensors, bombs and bodies of parts."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from typing import Any

MIB = 1 << 20
HIDDEN = b"GET /v1/models HTTP/1.1\r\nHost: service.test\r\n\r\n"
SMUGGLED = {
    "length and chunks": (["Content-Length: 6", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + HIDDEN),
    "chunks and length": (["Transfer-Encoding: chunked", "Content-Length: 4"], b"5c\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    "two codings": (["Transfer-Encoding: chunked", "Transfer-encoding: x"], b"0\r\n\r\n" + HIDDEN),
    "another coding": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + HIDDEN),
    "a space before the colon": (["Transfer-Encoding : chunked"], b"0\r\n\r\n" + HIDDEN),
    "two lengths": (["Content-Length: 3", "Content-Length: 4"], b"abc" + HIDDEN),
    "two lengths in one": (["Content-Length: 3, 4"], b"abc" + HIDDEN),
    "a signed length": (["Content-Length: +3"], b"abc" + HIDDEN),
    "a negative length": (["Content-Length: -1"], HIDDEN),
    "a length beyond all": (["Content-Length: 99999999999999999999999"], HIDDEN),
    "a chunk without a size": (["Transfer-Encoding: chunked"], b"zz\r\nabc\r\n0\r\n\r\n" + HIDDEN),
    "a chunk beyond all": (["Transfer-Encoding: chunked"], b"ffffffffffffffff\r\nabc\r\n" + HIDDEN),
    "a folded header": (["X: a", " Transfer-Encoding: chunked", "Content-Length: 0"], b""),
    "a credential behind the body": (["Transfer-Encoding: chunked"], b"0\r\nAuthorization: Bearer x\r\n\r\n"),
    "two hosts": (["Host: other.test", "Content-Length: 0"], b""),
    "a zero byte": (["X: a\x00b", "Content-Length: 0"], b""),
    "a compressed body": (["Content-Encoding: gzip", "Content-Length: 3"], b"abc"),
}


ODD = {
    "TRACE /": {405},
    "CONNECT other.test:443": {400, 404, 405},
    "OPTIONS *": {404},
    "BREW /v1/models": {400, 405},
    "GET http://other.test/v1/models": {400},
    f"GET /v1/models?x={'a' * 20_000}": {400, 414},
    "GET /v1/models/": {404},
    "GET /v1/models?x=%0d%0aX-Made:%20here": {200},
    "GET /docs": {404},
    "GET /-/routes": {404},
    "GET /metrics": {200},
}


PATHS = """
/v2/models/../../../etc/passwd /v2/models/%2e%2e/%2e%2e/etc/passwd /v2/models/%252e%252e%252fetc%252fpasswd
/v2/models/..%2f..%2fv1/models /v2/models/default/../../../v1/models /v2/models/default%00 /v2/models/nothing
/v2/models/default/versions/9 /v2/models/default/versions/..%2f /assets/../../serve/api/app.py
/assets/x/..%2f..%2fapp.py /assets/%2e%2e%5cx /assets/..%2fv1/models //v1/models /v1//models /V1/models /v1/models;x=1
/%2fv1/models /v1/cases/%2e%2e/x /v1/cases/..%2f..%2f/x /v1/jobs/..%2fmodels /health/../v1/models /sign-in/..;/v1/models
/-/healthz/../v1/models /cases/%2e%2e/%2e%2e/picture /.git/config /run.json
""".split()


ONE = {"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": [0.5] * 784}
DEEP = "[" * 100_000 + "]" * 100_000
TENSORS: dict[str, dict[str, Any] | str] = {
    "shape": {**ONE, "shape": [1, 1, 27, 28]},
    "fewer dimensions": {**ONE, "shape": [784]},
    "no dimension": {**ONE, "shape": []},
    "negative": {**ONE, "shape": [-1, 1, 28, 28]},
    "product overflows": {**ONE, "shape": [2**62, 1, 28, 28]},
    "integer beyond all": {**ONE, "shape": [10**400, 1, 28, 28]},
    "datatype": {**ONE, "datatype": "FP64"},
    "name": {**ONE, "name": "picture"},
    "fewer numbers": {**ONE, "data": [0.5] * 783},
    "more numbers": {**ONE, "data": [0.5] * 785},
    "ragged": {**ONE, "data": [[0.5], [0.5, 0.5]]},
    "text": {**ONE, "data": ["0.5"] * 784},
    "truth": {**ONE, "data": [True] * 784},
    "nothing": {**ONE, "data": [None] * 784},
    "large numbers": {**ONE, "data": [1e39] * 784},
    "integers beyond all": {**ONE, "data": [10**400] * 784},
    "not a number": json.dumps(ONE).replace("0.5", "NaN"),
    "infinite": json.dumps(ONE).replace("0.5", "1e999"),
    "deep": '{"name":"image","datatype":"FP32","shape":[1,1,28,28],"data":' + DEEP + "}",
    "announces no bytes": {**ONE, "parameters": {"binary_data_size": 3136}},
    "half a character": json.dumps({**ONE, "name": "\ud800"}),
}


def png(width: int, height: int) -> bytes:
    """Of zeros, as small as they get."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"../../{number}.png", bytes(256 * MIB))
    return sink.getvalue()


def nifti() -> bytes:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 1024, 1024, 1024, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + bytes(1024 * MIB), 1)


def parts(boundary: bytes, *contents: bytes, end: bytes = b"--") -> bytes:
    framed = b"".join(b"--" + boundary + b"\r\n\r\n" + content + b"\r\n" for content in contents)
    return framed + b"--" + boundary + end + b"\r\n"


MULTIPARTS = {
    "a flood of parts": ("x", parts(b"x", *[b""] * 800_000)),
    "more than may be": ("x", parts(b"x", *[b"a"] * 3000)),
    "no end": ("x", parts(b"x", b"a", end=b"")),
    "no part": ("x", parts(b"x")),
    "no boundary": ("", parts(b"x", b"a")),
    "another boundary": ("y", parts(b"x", b"a")),
    "a boundary of a thousand": ("x" * 1000, parts(b"x" * 1000, b"a")),
    "a header without end": ("x", b"--x\r\nX: " + b"a" * (4 * MIB)),
    "headers without end": ("x", b"--x\r\n" + b"X: a\r\n" * 500_000),
    "dashes only": ("x", b"-" * (4 * MIB)),
    "almost the boundary": ("x" * 70, b"--" + b"x" * 70 + b"\r\n\r\n" + (b"\r\n--" + b"x" * 69) * 50_000),
}
