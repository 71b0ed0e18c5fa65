"""What is known of the issuer: its discovery document and its key set, both fetched over TLS and kept.

A key set is fetched again when it is old, or when a token names a key that is not in it, and that at most every few
seconds: who makes up names of keys makes nobody fetch. While the issuer is away the keys that are known still serve.
"""

from __future__ import annotations

import json
import time
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.request import Request

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from pydantic import TypeAdapter, ValidationError

from pipelines.notify.http import ask
from sievert.branchurls import SafeUrl
from sievert.errors import DeliveryError, ServeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sievert.settings import OidcSettings

FETCH_S = 5.0
"""How long the issuer may be silent."""
EVERY_S = 5.0
"""A key set is not fetched more often than that."""
OLD_S = 300.0
"""A key set this old is fetched again before the next token is checked: a key that was withdrawn goes."""
AWAY_S = 30.0
"""After an issuer that was away it is asked again no sooner, as long as the keys that are known do."""
WHOM = "the OpenID provider"
FAMILIES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""The algorithms that are taken, all asymmetric, and the type of key that each needs (RFC 7518, 3.1; RFC 8037)."""
_LEAST_RSA_BITS = 2048
_NEVER = float("-inf")
_URL = TypeAdapter(SafeUrl)


class Issuer:
    """The one provider whose tokens are taken.

    Args:
        settings: Name it; `issuer` is set.
        clock: Seconds, never going back.

    Raises:
        ServeError: The settings name no issuer.
    """

    def __init__(self, settings: OidcSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        if settings.issuer is None:
            raise ServeError("the settings name no issuer of tokens", remedy="Set `serve.oidc.issuer`.")
        self.name = settings.issuer.get_secret_value()
        self._jwks_url = settings.jwks_url.get_secret_value() if settings.jwks_url else None
        self._clock = clock
        self._lock = Lock()
        self._document: dict[str, Any] | None = None
        self._keys: list[Key] = []
        self._fetched = self._tried = _NEVER
        self.generation = 0

    def key(self, kid: str | None, algorithm: str) -> Key | None:
        """The one public key that a token's header means; None where it means none, or more than one.

        Args:
            kid: As the header names it; without it the one key there is for the algorithm.
            algorithm: One of `FAMILIES`.

        Raises:
            ServeError: No key set was ever had, and the issuer does not answer.
        """
        found = self._picked(kid, algorithm)
        if found is None:
            self._refresh(wait=True)
        elif self._clock() >= self._fetched + OLD_S:
            self._refresh(wait=False)
        else:
            return found
        if not self._keys:
            raise ServeError("the key set of the OpenID provider cannot be had", remedy="See that it answers.")
        return self._picked(kid, algorithm)

    def endpoint(self, name: str) -> str:
        """A URL that the discovery document names (OpenID Connect Discovery 1.0, section 3).

        Raises:
            ServeError: The issuer does not answer, or names none that is safe.
        """
        if self._document is None:
            self._document = self._discovered()
        return _safe(self._document.get(name))

    def _picked(self, kid: str | None, algorithm: str) -> Key | None:
        fitting = [key for key in self._keys if _fits(key, algorithm) and kid in (None, key.kid)]
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self, *, wait: bool) -> None:
        """Who is asked for a known key does not wait for another's fetching."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._clock() < self._tried + EVERY_S:
                return
            self._tried = self._clock()
            self._take(_fetched(self._jwks_url or self.endpoint("jwks_uri")))
        except ServeError:
            # away: what is known serves on, and is not asked for again with every token
            self._document = None
            self._fetched = max(self._fetched, self._clock() - OLD_S + AWAY_S)
        finally:
            self._lock.release()

    def _take(self, told: dict[str, Any]) -> None:
        listed = told.get("keys")
        keys = [key for key in map(_imported, listed if isinstance(listed, list) else []) if key is not None]
        if not keys:
            raise ServeError("the key set of the OpenID provider holds no key for signatures")
        if [key.as_dict(private=False) for key in keys] != [key.as_dict(private=False) for key in self._keys]:
            self._keys, self.generation = keys, self.generation + 1
        self._fetched = self._clock()

    def _discovered(self) -> dict[str, Any]:
        document = _fetched(self.name.rstrip("/") + "/.well-known/openid-configuration")
        if document.get("issuer") != self.name:
            raise ServeError("the discovery document is another issuer's", remedy="Set `serve.oidc.issuer` as it says.")
        return document


def fetch_json(request: Request) -> dict[str, Any]:
    """What the issuer answers, a JSON object.

    Raises:
        ServeError: It does not answer, refuses, or answers with something else.
    """
    try:
        told = json.loads(ask(request, whom=WHOM, timeout_s=FETCH_S))
    except DeliveryError as error:
        raise ServeError(error.message, remedy="See that it answers.") from error
    except (ValueError, RecursionError) as error:
        raise ServeError(f"{WHOM} answers with something that is no JSON") from error
    if not isinstance(told, dict):
        raise ServeError(f"{WHOM} answers with something that is no JSON object")
    return told


def _fetched(url: str) -> dict[str, Any]:
    return fetch_json(Request(_safe(url), headers={"Accept": "application/json"}))  # noqa: S310 - `_safe` has looked


def _safe(url: object) -> str:
    """Keys and codes go over TLS, or stay on this machine."""
    try:
        return _URL.validate_python(url).get_secret_value()
    except ValidationError as error:
        raise ServeError(f"{WHOM} names an address that is not reached over TLS") from error


def _imported(told: object) -> Key | None:
    """A public key for signatures; anything else in the set is passed over (RFC 7517, section 5)."""
    if not isinstance(told, dict) or told.get("kty") not in FAMILIES.values():
        return None
    try:
        key = JWKRegistry.import_key(told)
        weak = key.key_type == "RSA" and key.public_key.key_size < _LEAST_RSA_BITS  # type: ignore[union-attr]  # only RSA keys have it
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return None if weak or not _is_for_verifying(told) else key


def _is_for_verifying(told: dict[str, Any]) -> bool:
    deeds = told.get("key_ops")
    return told.get("use", "sig") == "sig" and (deeds is None or (isinstance(deeds, list) and "verify" in deeds))


def _fits(key: Key, algorithm: str) -> bool:
    """By type, by the key's own word, and by curve."""
    if key.key_type != FAMILIES[algorithm] or key.get("alg", algorithm) != algorithm:
        return False
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
    return algorithm not in curves or key.get("crv") == curves[algorithm]
