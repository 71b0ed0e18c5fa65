"""Says who asks: the one place where keys, tokens and sessions are checked. Any replica comes to the same answer."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from serve.access import apikeys, runs
from serve.access.apikeys import ApiKeys
from serve.access.limits import Buckets
from serve.access.oidc.accounts import Accounts
from serve.access.oidc.codeflow import CodeFlow
from serve.access.oidc.issuer import Issuer
from serve.access.oidc.tokens import Tokens
from serve.access.principal import Principal, Role
from serve.access.runs import ONE_TIME_NAME, ONE_TIME_ROLES, Runs
from serve.access.sessions import Session, Sessions, new_session_id
from sievert.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sievert.settings import ServeSettings

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)
"""RFC 6750, 2.1."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody has shown.

    Attributes:
        principal: Who they are.
        source: What a session that begins with it is bound to: `key:ID`, `run:ID`, `oidc:DIGEST`.
        until: When it expires, seconds since 1970.
        session: The session, where a cookie has shown it.
    """

    principal: Principal
    source: str
    until: float = math.inf
    session: Session | None = None


class Guard:
    """Checks who asks.

    Args:
        settings: Of the service.
        folder: Its state, shared by all replicas.
        clock: Seconds since 1970.

    Raises:
        ServeError: The folder, or a file in it, is open to others or damaged.
        StorageError: And its kinds.
    """

    def __init__(self, settings: ServeSettings, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        oidc, public = settings.oidc, settings.public_url
        self._clock = clock
        self._session_s = settings.session_s
        self.public = public.get_secret_value().rstrip("/") if public else None
        self.tls = settings.tls_cert is not None or bool(self.public and self.public.startswith("https:"))
        self.cookie = "__Host-sievert" if self.tls else "sievert"
        self.sessions = Sessions(folder, clock=clock)
        self.keys = ApiKeys(folder, clock=clock)
        self.runs = Runs(folder)
        self.requests, self.failures = Buckets(settings.requests_a_minute), Buckets(settings.failures_a_minute)
        tokens = Tokens(Issuer(oidc), leeway_s=oidc.leeway_s, clock=clock) if oidc.issuer else None
        self._accounts = Accounts(tokens, oidc, clock=clock) if tokens else None
        self.flow = CodeFlow(tokens, oidc, self.sessions.flows) if tokens and oidc.client_id else None
        self._oidc_source = _digest(tokens.issuer.name, oidc.audience, oidc.client_id) if tokens else None

    def authenticate(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal:
        """Who asks.

        Args:
            headers: By name in small letters.
            cookies: By name.

        Raises:
            AccessError: They have not shown it.
            ServeError: It cannot be checked: a file is damaged, or the issuer is away.
        """
        return self.identify(headers, cookies).principal

    def identify(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Shown:
        """As `authenticate`, with what has shown it. A header goes before a cookie.

        Raises:
            AccessError: Nothing has.
            ServeError: It cannot be checked.
        """
        if (told := headers.get("authorization")) is not None:
            given = _BEARER.fullmatch(told)
            if not given:
                raise AccessError("the Authorization header holds no bearer token")
            return self.check(given[1])
        if sealed := cookies.get(self.cookie):
            return self._resumed(self.sessions.open(sealed))
        raise AccessError("who asks has not signed in")

    def waits(self, headers: Mapping[str, str]) -> bool:
        """Whether `identify` may have to ask the issuer: then it belongs in a thread."""
        given = _BEARER.fullmatch(headers.get("authorization", ""))
        if self._accounts is None or not given or given[1].startswith((apikeys.PREFIX, runs.PREFIX)):
            return False
        return self._accounts.remembered(given[1]) is None

    def check(self, credential: str) -> Shown:
        """Whose a token or a key is.

        Raises:
            AccessError: It is nobody's.
            ServeError: It cannot be checked.
        """
        if credential.startswith(apikeys.PREFIX):
            key = self.keys.check(credential)
            return Shown(Principal(key.name, key.roles, "key"), f"key:{key.id}", key.expires)
        if credential.startswith(runs.PREFIX):
            run = self.runs.check(credential)
            return Shown(Principal(ONE_TIME_NAME, ONE_TIME_ROLES, "one-time"), f"run:{run.id}")
        if self._accounts is None or self._oidc_source is None:
            raise AccessError("the token is none of this service")
        account = self._accounts.check(credential)
        return Shown(account.principal, self._oidc_source, account.until)

    def begin_session(self, shown: Shown) -> tuple[Session, str]:
        """A session for who has shown a credential, and its cookie's value."""
        session = Session(
            id=new_session_id(),
            name=shown.principal.name,
            roles=tuple(sorted(shown.principal.roles)),
            credential=shown.source,
            until=min(shown.until, self._clock() + self._session_s),
        )
        return session, self.sessions.seal(session)

    def finish_flow(self, answer: Mapping[str, str], carried: str | None) -> tuple[Shown, str]:
        """Who has signed in at the issuer, and the path to go on with.

        Raises:
            AccessError: Nobody has, or this service has no such sign-in.
            ServeError: The issuer does not answer.
        """
        if self.flow is None or self._oidc_source is None:
            raise AccessError("this service has no sign-in at an OpenID provider")
        principal, home = self.flow.finish(answer, carried)
        return Shown(principal, self._oidc_source), home

    def _resumed(self, session: Session) -> Shown:
        """A session ends with what it came from; one of a key has what roles the key has now."""
        kind, _, name = session.credential.partition(":")
        if kind == "key":
            roles = self.keys.still(name).roles
        elif kind == "run":
            self.runs.still(name)
            roles = ONE_TIME_ROLES
        elif session.credential == self._oidc_source:
            roles = frozenset(map(Role, session.roles))
        else:
            raise AccessError("the session is over")
        return Shown(Principal(session.name, roles, "session"), session.credential, session.until, session)


def _digest(*parts: str | None) -> str:
    return "oidc:" + sha256("\n".join(part or "" for part in parts).encode()).hexdigest()[:16]
