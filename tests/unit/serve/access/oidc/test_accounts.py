from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.access.oidc import issuer as issuer_module
from serve.access.oidc.accounts import REMEMBERED_S, Accounts, principal_of, roles_in
from serve.access.oidc.issuer import Issuer
from serve.access.oidc.tokens import Tokens
from serve.access.principal import Role
from sievert.errors import AccessError
from sievert.settings import OidcSettings
from tests.oidcprovider import OidcProvider

C, R = Role.CLINICIAN, Role.READER


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        ({"roles": ["clinician", "reader"]}, "roles", {C, R}),
        ({"roles": ["Clinician", "root", 5, None, ["admin"]]}, "roles", set()),
        ({"roles": "clinician reader"}, "roles", {C, R}),
        ({"realm_access": {"roles": ["reader"]}}, "realm_access.roles", {R}),
        ({"https://example.org/roles": ["reader"]}, "https://example.org/roles", {R}),
        ({"realm_access": ["reader"]}, "realm_access.roles", set()),
        ({}, "a.b.c", set()),
        ({"roles": {"admin": True}}, "roles", set()),
    ],
)
def test_roles_are_those_that_are_known(claims: dict[str, Any], path: str, roles: set[Role]) -> None:
    assert roles_in(claims, path) == roles


JSON = st.recursive(
    st.none() | st.booleans() | st.text(), lambda some: st.lists(some) | st.dictionaries(st.text(), some)
)


@given(claim=JSON, path=st.text())
def test_no_claim_of_any_form_is_an_error(claim: object, path: str) -> None:
    assert roles_in({"roles": claim}, "roles.x") <= set(Role)
    assert roles_in({"roles": claim}, path) <= set(Role)


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("anna", "anna (7d1)"),
        (None, "account (7d1)"),
        ("a\nb", "account (7d1)"),
        (5, "account (7d1)"),
        ("b (x)", "b x) (7d1)"),
    ],
)
def test_a_name_has_the_subject_that_stays(shown: object, name: str) -> None:
    assert principal_of({"sub": "7d1", "preferred_username": shown}, "roles").name == name


class TestRemembering:
    @pytest.fixture
    def clock(self) -> list[float]:
        return [time.time()]

    @pytest.fixture
    def issuer(self, oidc: OidcSettings, clock: list[float]) -> Issuer:
        return Issuer(oidc, clock=lambda: clock[0])

    @pytest.fixture
    def accounts(self, oidc: OidcSettings, issuer: Issuer, clock: list[float]) -> Accounts:
        return Accounts(Tokens(issuer, leeway_s=5, clock=lambda: clock[0]), oidc, clock=lambda: clock[0])

    def test_a_checked_token_is_not_checked_again_until_it_expires(
        self, accounts: Accounts, provider: OidcProvider, clock: list[float]
    ) -> None:
        token = provider.token(exp=int(clock[0]) + 60)
        assert accounts.check(token) is accounts.check(token)
        clock[0] += 59
        assert accounts.remembered(token)
        clock[0] += 7
        with pytest.raises(AccessError, match="expired"):
            accounts.check(token)

    def test_a_key_that_was_withdrawn_ends_what_is_remembered(
        self, accounts: Accounts, provider: OidcProvider, clock: list[float]
    ) -> None:
        token = provider.token(exp=int(clock[0]) + 10_000)
        accounts.check(token)
        provider.keys = {"ec": provider.keys["ec"]}
        clock[0] += max(REMEMBERED_S, issuer_module.OLD_S)
        with pytest.raises(AccessError, match="a key that the issuer does not have"):
            accounts.check(token)

    def test_a_key_set_that_has_changed_ends_what_is_remembered_at_once(
        self, accounts: Accounts, issuer: Issuer, provider: OidcProvider, clock: list[float]
    ) -> None:
        token = provider.token()
        accounts.check(token)
        provider.keys = {"ec": provider.keys["ec"]}
        clock[0] += issuer_module.EVERY_S
        assert accounts.remembered(token)
        issuer.key("made-up", "RS256")
        assert accounts.remembered(token) is None

    def test_another_token_beside_a_remembered_one_is_checked(self, accounts: Accounts, provider: OidcProvider) -> None:
        token = provider.token()
        accounts.check(token)
        with pytest.raises(AccessError):
            accounts.check(token[:-4] + "AAAA")
