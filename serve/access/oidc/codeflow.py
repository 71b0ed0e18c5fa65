"""The page's sign-in at the issuer: authorization code with PKCE (RFC 6749, 4.1; RFC 7636; OpenID Connect Core, 3.1).

What must come back as it went (state, nonce, verifier) travels in an encrypted cookie of ten minutes, so that any
replica can take the answer. The client is public: there is no secret to keep.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request

from cryptography.fernet import Fernet, InvalidToken

from serve.access.oidc.accounts import principal_of, roles_in
from serve.access.oidc.issuer import fetch_json
from serve.access.oidc.tokens import ID_TYPES
from sievert.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serve.access.oidc.tokens import Tokens
    from serve.access.principal import Principal
    from sievert.settings import OidcSettings

FLOW_S = 600
"""How long somebody may take to sign in at the issuer."""
_SCOPE = "openid profile"
_RANDOM_BYTES = 48


class CodeFlow:
    """Sends a browser to the issuer and takes what it brings back.

    Args:
        tokens: Checks what the issuer made.
        settings: `client_id` is set.
        cookies: Encrypts what the browser carries meanwhile.
    """

    def __init__(self, tokens: Tokens, settings: OidcSettings, cookies: Fernet) -> None:
        self._tokens = tokens
        self._settings = settings
        self._client = settings.client_id or ""
        self._cookies = cookies

    def begin(self, *, back: str, home: str) -> tuple[str, str]:
        """Where to send the browser, and the cookie that it carries.

        Args:
            back: The URL that the issuer sends it back to.
            home: The path to go on with afterwards.

        Raises:
            ServeError: The issuer does not answer.
        """
        state, nonce, verifier = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": back,
            "scope": _SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self._tokens.issuer.endpoint("authorization_endpoint")
        carried = {"state": state, "nonce": nonce, "verifier": verifier, "home": home, "back": back}
        return (
            f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}",
            self._cookies.encrypt(json.dumps(carried).encode()).decode(),
        )

    def finish(self, answer: Mapping[str, str], carried: str | None) -> tuple[Principal, str]:
        """Who has signed in, and the path to go on with.

        Args:
            answer: The query that the issuer sent the browser back with.
            carried: The cookie.

        Raises:
            AccessError: The answer is not to what this browser asked, or its tokens are not taken.
            ServeError: The issuer does not answer.
        """
        flow = self._opened(carried)
        if not hmac.compare_digest(answer.get("state", "").encode(), flow["state"].encode()):
            raise AccessError("the answer of the OpenID provider is to another question")
        if answer.get("iss", self._tokens.issuer.name) != self._tokens.issuer.name:  # RFC 9207: mixed-up issuers
            raise AccessError("the answer is another OpenID provider's")
        if "code" not in answer:
            raise AccessError("the OpenID provider has signed nobody in")
        return self._exchanged(answer["code"], flow), flow["home"]

    def _opened(self, carried: str | None) -> dict[str, str]:
        try:
            opened: dict[str, str] = json.loads(self._cookies.decrypt((carried or "").encode(), ttl=FLOW_S))
        except InvalidToken:
            raise AccessError("the sign-in took too long, or began in another browser") from None
        return opened

    def _exchanged(self, code: str, flow: dict[str, str]) -> Principal:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow["back"],
            "client_id": self._client,
            "code_verifier": flow["verifier"],
        }
        endpoint = self._tokens.issuer.endpoint("token_endpoint")
        request = Request(endpoint, data=urlencode(asked).encode(), headers={"Accept": "application/json"})  # noqa: S310 - `endpoint` has looked
        return self._principal(fetch_json(request), flow["nonce"])

    def _principal(self, made: dict[str, Any], nonce: str) -> Principal:
        claims = self._tokens.claims(str(made.get("id_token")), audience=self._client, types=ID_TYPES)
        given = claims.get("nonce")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
            raise AccessError("the ID token is of another sign-in")
        if claims.get("azp", self._client) != self._client:
            raise AccessError("the ID token is another client's")
        return principal_of(self._with_roles(claims, made), self._settings.roles_claim)

    def _with_roles(self, claims: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        """Some issuers, Keycloak as it comes among them, put roles into the access token alone."""
        path, access = self._settings.roles_claim, made.get("access_token")
        if roles_in(claims, path) or not isinstance(access, str):
            return claims
        try:
            further = self._tokens.claims(access, audience=self._settings.audience)
        except AccessError:
            return claims
        if further["sub"] != claims["sub"]:
            return claims
        return {**further, "preferred_username": claims.get("preferred_username")}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
