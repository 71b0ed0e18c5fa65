"""Who a checked token is of: name and roles, as its claims say; remembered for a while, because checking costs."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from serve.access.principal import Principal, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from serve.access.oidc.tokens import Tokens
    from sievert.settings import OidcSettings

REMEMBERED_S = 300.0
"""How long a checked token is not checked again: a key that the issuer withdraws is noticed then."""
_MOST_REMEMBERED = 4096
_LONGEST_NAME = 64
_KNOWN_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with a token.

    Attributes:
        principal: Name and roles.
        until: When the token expires, seconds since 1970.
        fresh_until: How long it may be believed without a check.
        generation: Of the issuer's keys, when it was checked.
    """

    principal: Principal
    until: float
    fresh_until: float
    generation: int


class Accounts:
    """The people and machines that have a token of the issuer.

    Args:
        tokens: Checks them.
        settings: Name the audience and the claim with the roles.
        clock: Seconds since 1970.
    """

    def __init__(self, tokens: Tokens, settings: OidcSettings, *, clock: Callable[[], float]) -> None:
        self._tokens = tokens
        self._settings = settings
        self._clock = clock
        self._known: dict[bytes, Account] = {}

    def remembered(self, token: str) -> Account | None:
        """The account of a token that was checked a while ago at most."""
        account = self._known.get(sha256(token.encode()).digest())
        fresh = account and account.generation == self._tokens.issuer.generation
        return account if account and fresh and self._clock() < account.fresh_until else None

    def check(self, token: str) -> Account:
        """The account of a token.

        Raises:
            AccessError: It is not taken.
            ServeError: The issuer's keys cannot be had.
        """
        if account := self.remembered(token):
            return account
        claims = self._tokens.claims(token, audience=self._settings.audience)
        until = float(min(claims["exp"], 1 << 53))
        fresh_until = min(until, self._clock() + REMEMBERED_S)
        generation = self._tokens.issuer.generation
        account = Account(principal_of(claims, self._settings.roles_claim), until, fresh_until, generation)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.pop(next(iter(self._known)), None)
        self._known[sha256(token.encode()).digest()] = account
        return account


def principal_of(claims: dict[str, Any], roles_claim: str) -> Principal:
    """Name and roles that checked claims give.

    `sub` alone is unique and stays (OpenID Connect Core 1.0, 5.7), and people know themselves by their account's name:
    the audit log has both.
    """
    told = claims.get("preferred_username")
    shown = told if isinstance(told, str) and told.isprintable() and 0 < len(told) <= _LONGEST_NAME else "account"
    return Principal(f"{shown.replace(' (', ' ')} ({claims['sub']})", roles_in(claims, roles_claim), "oidc")


def roles_in(claims: dict[str, Any], path: str) -> frozenset[Role]:
    """The roles that we know, of those that a claim lists; a text is several, divided by blanks.

    Args:
        claims: Of a token.
        path: A claim's name, or a path of names with dots into objects.
    """
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    listed = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(_KNOWN_ROLES[one] for one in listed if isinstance(one, str) and one in _KNOWN_ROLES)
