"""A small OpenID provider for tests, on loopback: discovery, key set, and a token endpoint with PKCE."""

from __future__ import annotations

import base64
import json
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "HS256", "none"]


class OidcProvider:
    """Running on loopback. `keys` is the key set that it publishes; `fetches` counts who asked for it."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {
            "rsa": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
            "ec": ECKey.generate_key("P-256", {"kid": "ec", "use": "sig", "alg": "ES256"}),
            "ed": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        }
        self.further: list[dict[str, Any]] = []
        self.fetches = 0
        self.away = False
        self.codes: dict[str, tuple[str, dict[str, Any]]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(*provider.told(self.path))

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.answer(*provider.exchanged({name: values[0] for name, values in form.items()}))

            def answer(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/realms/clinic"
        self.issuer = self.url
        Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def told(self, path: str) -> tuple[int, Any]:
        if self.away:
            return 503, {}
        if path.endswith("/.well-known/openid-configuration"):
            names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "certs"}
            return 200, {"issuer": self.issuer, **{name: f"{self.url}/{end}" for name, end in names.items()}}
        self.fetches += 1
        return 200, {"keys": [*(key.as_dict(private=False) for key in self.keys.values()), *self.further]}

    def exchanged(self, form: dict[str, str]) -> tuple[int, Any]:
        """A code is good once, and only with the verifier of its challenge."""
        challenge, tokens = self.codes.pop(form.get("code", ""), ("", {}))
        verifier = sha256(form.get("code_verifier", "").encode()).digest()
        if not challenge or base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", **tokens}

    def sign_in(self, url: str, *, code: str = "a-code", **tokens: str | None) -> dict[str, str]:
        """What a browser brings back after somebody has signed in at the authorization endpoint."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        id_token = self.token(aud=asked["client_id"], nonce=asked["nonce"], header={"typ": "JWT"})
        made = {"id_token": id_token, **tokens}
        self.codes[code] = (asked["code_challenge"], made)
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def token(self, key: str = "rsa", *, header: dict[str, Any] | None = None, **claims: object) -> str:
        """A signed token; a claim or a header parameter that is None is left out."""
        now = int(time.time())
        told = {"iss": self.issuer, "aud": "sievert", "sub": "7d1", "iat": now, "nbf": now, "exp": now + 300}
        told |= {"preferred_username": "reader-1", "roles": ["clinician"], **claims}
        named = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
        head = {"alg": named.get(key, "RS256"), "kid": key, "typ": "at+jwt", **(header or {})}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None},
            {name: value for name, value in told.items() if value is not None},
            self.keys[key],
            algorithms=ALGORITHMS,
            default_type=None,
        )
