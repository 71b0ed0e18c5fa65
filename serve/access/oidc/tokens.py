"""Checks signed tokens: compact JWS (RFC 7515) with the claims of RFC 7519, as RFC 8725 and RFC 9068 want them checked.

A header says only which algorithm and which of the issuer's keys; one that brings or names keys of its own (`jku`,
`jwk`, `x5u`, `x5c`) or wants something of us (`crit`) is refused. Claims are looked at before the issuer is asked for a
key, so that tokens of others cost nothing; nothing of them is believed before the signature holds.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry
from joserfc.registry import JWS_HEADER_REGISTRY
from joserfc.util import urlsafe_b64decode

from serve.access.oidc.issuer import FAMILIES
from sievert.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import Key

    from serve.access.oidc.issuer import Issuer

MOST_BYTES = 16_384
ACCESS_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What `typ` of an access token may be (RFC 9068, 2.1), in small letters; it may be left out."""
ID_TYPES = frozenset({"jwt"})
_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_HEADER = ("alg", "kid", "typ", "x5t", "x5t#S256")
_LONGEST_SUBJECT = 255


class _Registry(jws.JWSRegistry):
    """Any other parameter in a header is refused."""

    default_header_registry = {name: JWS_HEADER_REGISTRY[name] for name in _HEADER}  # noqa: RUF012 - joserfc's own form
    max_header_length = 2048


_REGISTRY = _Registry(algorithms=list(FAMILIES))


class Tokens:
    """Checks the tokens of one issuer.

    Args:
        issuer: The only one that is believed.
        leeway_s: How far clocks may differ.
        clock: Seconds since 1970.
    """

    def __init__(self, issuer: Issuer, *, leeway_s: int, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self._leeway_s = leeway_s
        self._clock = clock

    def claims(self, token: str, *, audience: str, types: frozenset[str] = ACCESS_TYPES) -> dict[str, Any]:
        """The claims of a token that is whole, ours to take, and of this time.

        Args:
            token: Compact form.
            audience: Which must be in `aud`.
            types: What `typ` may be.

        Raises:
            AccessError: Anything about it is not as it has to be.
            ServeError: The issuer's keys cannot be had.
        """
        header, claims = _parts(token)
        _check_header(header, types)
        self._check_claims(claims, audience)
        key = self.issuer.key(header.get("kid"), header["alg"])
        if key is None:
            raise AccessError("the token is signed with a key that the issuer does not have")
        _check_signature(token, key)
        return claims

    def _check_claims(self, claims: dict[str, Any], audience: str) -> None:
        checks = JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=self._leeway_s,
            iss={"essential": True, "value": self.issuer.name},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            checks.validate(claims)
        except ExpiredTokenError:
            raise AccessError("the token has expired") from None
        except JoseError:
            raise AccessError("the token is another issuer's, not made out for this service, or not of now") from None
        if not claims["sub"].isprintable() or len(claims["sub"]) > _LONGEST_SUBJECT or "cnf" in claims:
            # a token bound to a key (RFC 7800) is good only with a proof of that key, which nobody checks here
            raise AccessError("the token names nobody, or is bound to a key")


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, not believed yet."""
    if len(token) > MOST_BYTES or not _COMPACT.fullmatch(token):
        raise AccessError("the token is none")
    header, claims, _ = token.split(".")
    return _object(header), _object(claims)


def _object(part: str) -> dict[str, Any]:
    try:
        told = json.loads(urlsafe_b64decode(part.encode()), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise AccessError("the token is none") from None
    if not isinstance(told, dict):
        raise AccessError("the token is none")
    return told


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two equal names they believe, so neither is."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def _no_number(_: str) -> float:
    raise ValueError("JSON has no such number")


def _check_header(header: dict[str, Any], types: frozenset[str]) -> None:
    if set(header) - set(_HEADER) or not all(isinstance(value, str) for value in header.values()):
        raise AccessError("the token's header has something that is not taken")
    if header.get("alg") not in FAMILIES:
        raise AccessError("the token is not signed with an algorithm that is taken")
    if header.get("typ", "JWT").lower() not in types:
        raise AccessError("the token is of another type")


def _check_signature(token: str, key: Key) -> None:
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError):
        raise AccessError("the token's signature does not hold") from None
