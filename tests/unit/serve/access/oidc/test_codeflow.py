from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet

from serve.access.oidc.codeflow import CodeFlow
from serve.access.oidc.issuer import Issuer
from serve.access.oidc.tokens import Tokens
from serve.access.principal import Role
from sievert.errors import AccessError, ServeError
from sievert.settings import OidcSettings
from tests.oidcprovider import OidcProvider

BACK = "https://sievert.example/sign-in/callback"


@pytest.fixture
def flow(oidc: OidcSettings) -> CodeFlow:
    return CodeFlow(Tokens(Issuer(oidc), leeway_s=5, clock=time.time), oidc, Fernet(Fernet.generate_key()))


def test_who_signs_in_at_the_provider_is_known_with_their_roles(flow: CodeFlow, provider: OidcProvider) -> None:
    url, carried = flow.begin(back=BACK, home="/cases/1")
    principal, home = flow.finish(provider.sign_in(url), carried)
    assert (principal.name, principal.roles, home) == ("reader-1 (7d1)", frozenset({Role.CLINICIAN}), "/cases/1")


def answered(
    flow: CodeFlow, provider: OidcProvider, *, answer: dict[str, str] | None = None, id_token: str | None = None
) -> None:
    url, carried = flow.begin(back=BACK, home="/")
    given = provider.sign_in(url)
    if answer is None:
        provider.codes["a-code"][1]["id_token"] = id_token
    flow.finish({**given, **(answer or {})}, carried)


def test_an_answer_to_another_browsers_question_is_refused(flow: CodeFlow, provider: OidcProvider) -> None:
    url, _ = flow.begin(back=BACK, home="/")
    _, of_another = flow.begin(back=BACK, home="/")
    for carried in (of_another, None, "", "x" * 100):
        with pytest.raises(AccessError):
            flow.finish(provider.sign_in(url), carried)


@pytest.mark.parametrize(
    "answer", [{"state": "x"}, {"state": ""}, {"iss": "https://elsewhere.example"}], ids=["state", "no state", "issuer"]
)
def test_an_answer_that_was_changed_is_refused(flow: CodeFlow, provider: OidcProvider, answer: dict[str, str]) -> None:
    with pytest.raises(AccessError):
        answered(flow, provider, answer=answer)


def test_a_code_of_another_sign_in_buys_nothing(flow: CodeFlow, provider: OidcProvider) -> None:
    url, carried = flow.begin(back=BACK, home="/")
    other, _ = flow.begin(back=BACK, home="/")
    provider.sign_in(other, code="stolen")
    with pytest.raises(ServeError):
        flow.finish({**provider.sign_in(url), "code": "stolen"}, carried)


def test_who_was_not_signed_in_is_refused(flow: CodeFlow, provider: OidcProvider) -> None:
    url, carried = flow.begin(back=BACK, home="/")
    answer = provider.sign_in(url)
    del answer["code"]
    with pytest.raises(AccessError):
        flow.finish({**answer, "error": "access_denied"}, carried)


def test_an_id_token_of_another_sign_in_or_client_is_refused(flow: CodeFlow, provider: OidcProvider) -> None:
    page = {"typ": "JWT"}
    tokens = [
        provider.token(aud="page", nonce="another", header=page),
        provider.token(aud="page", header=page),
        provider.token(aud="page", nonce=5, header=page),
        provider.token(aud="another", header=page),
        None,
    ]
    for token in tokens:
        with pytest.raises(AccessError):
            answered(flow, provider, id_token=token)


def test_an_access_token_with_the_right_nonce_is_no_id_token(flow: CodeFlow, provider: OidcProvider) -> None:
    url, carried = flow.begin(back=BACK, home="/")
    answer, nonce = provider.sign_in(url), parse_qs(urlsplit(url).query)["nonce"][0]
    provider.codes["a-code"][1]["id_token"] = provider.token(aud="page", nonce=nonce)
    with pytest.raises(AccessError, match="another type"):
        flow.finish(answer, carried)


def test_roles_that_only_the_access_token_has_are_found(flow: CodeFlow, provider: OidcProvider) -> None:
    url, carried = flow.begin(back=BACK, home="/")
    access = provider.token(roles=["auditor"])
    answer = provider.sign_in(url, access_token=access)
    challenge, tokens = provider.codes["a-code"]
    tokens["id_token"] = without_roles(provider, url)
    provider.codes["a-code"] = (challenge, tokens)
    assert flow.finish(answer, carried)[0].roles == {Role.AUDITOR}


def test_roles_of_somebody_elses_access_token_are_not_taken(flow: CodeFlow, provider: OidcProvider) -> None:
    url, carried = flow.begin(back=BACK, home="/")
    answer = provider.sign_in(url, access_token=provider.token(roles=["admin"], sub="another"))
    provider.codes["a-code"][1]["id_token"] = without_roles(provider, url)
    assert flow.finish(answer, carried)[0].roles == frozenset()


def without_roles(provider: OidcProvider, url: str) -> str:
    nonce = parse_qs(urlsplit(url).query)["nonce"][0]
    return provider.token(aud="page", nonce=nonce, roles=None, header={"typ": "JWT"})
