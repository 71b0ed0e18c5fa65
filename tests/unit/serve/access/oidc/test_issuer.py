from __future__ import annotations

import pytest
from joserfc.jwk import OctKey, RSAKey

from serve.access.oidc import issuer as issuer_module
from serve.access.oidc.issuer import AWAY_S, EVERY_S, OLD_S, Issuer
from sievert.errors import ServeError
from sievert.settings import OidcSettings
from tests.oidcprovider import OidcProvider


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def issuer(oidc: OidcSettings, clock: list[float]) -> Issuer:
    return Issuer(oidc, clock=lambda: clock[0])


def test_a_key_set_is_fetched_once_and_kept(issuer: Issuer, provider: OidcProvider) -> None:
    assert issuer.key("rsa", "RS256")
    assert issuer.key("ec", "ES256")
    assert provider.fetches == 1


def test_a_key_that_the_provider_has_rolled_to_is_found(
    issuer: Issuer, provider: OidcProvider, clock: list[float]
) -> None:
    issuer.key("rsa", "RS256")
    told = provider.keys["rsa"].as_dict(private=False)
    provider.keys, provider.further = {}, [{**told, "kid": "new"}]
    clock[0] += EVERY_S
    assert issuer.key("new", "RS256")
    assert issuer.key("rsa", "RS256") is None


def test_unknown_names_of_keys_make_us_fetch_every_few_seconds_at_most(
    issuer: Issuer, provider: OidcProvider, clock: list[float]
) -> None:
    for number in range(100):
        assert issuer.key(f"made-up-{number}", "RS256") is None
    assert provider.fetches == 1
    clock[0] += EVERY_S
    issuer.key("made-up", "RS256")
    assert provider.fetches == 2


def test_keys_that_are_known_serve_while_the_provider_is_away(
    issuer: Issuer, provider: OidcProvider, clock: list[float]
) -> None:
    issuer.key("rsa", "RS256")
    provider.away = True
    clock[0] += OLD_S * 10
    assert issuer.key("rsa", "RS256")
    provider.away = False
    clock[0] += AWAY_S
    issuer.key("rsa", "RS256")
    assert provider.fetches == 2


def test_a_key_that_was_withdrawn_goes_when_the_set_is_old(
    issuer: Issuer, provider: OidcProvider, clock: list[float]
) -> None:
    issuer.key("rsa", "RS256")
    provider.keys = {"ec": provider.keys["ec"]}
    clock[0] += OLD_S
    assert issuer.key("rsa", "RS256") is None


def test_without_a_key_set_nothing_can_be_checked(issuer: Issuer, provider: OidcProvider) -> None:
    provider.away = True
    with pytest.raises(ServeError, match="cannot be had"):
        issuer.key("rsa", "RS256")


def test_a_document_of_another_issuer_is_not_believed(issuer: Issuer, provider: OidcProvider) -> None:
    provider.issuer = "https://elsewhere.example"
    with pytest.raises(ServeError, match="another issuer"):
        issuer.endpoint("token_endpoint")


def test_an_address_without_tls_elsewhere_is_not_gone_to(issuer: Issuer, provider: OidcProvider) -> None:
    provider.url, kept = "http://elsewhere.example", provider.url
    try:
        with pytest.raises(ServeError, match="TLS"):
            issuer.endpoint("token_endpoint")
    finally:
        provider.url = kept


def test_the_key_set_of_the_settings_goes_before_the_documents(provider: OidcProvider) -> None:
    settings = OidcSettings(issuer="https://elsewhere.example", jwks_url=f"{provider.url}/certs")
    assert Issuer(settings).key("rsa", "RS256")


@pytest.mark.parametrize(
    "key",
    [
        OctKey.generate_key(256, {"kid": "odd"}).as_dict(),
        {**RSAKey.generate_key(2048, {"kid": "odd"}).as_dict(private=False), "use": "enc"},
        {**RSAKey.generate_key(2048, {"kid": "odd"}).as_dict(private=False), "alg": "RS512"},
        {**RSAKey.generate_key(2048, {"kid": "odd"}).as_dict(private=False), "key_ops": ["encrypt"]},
        {"kty": "RSA", "kid": "odd", "n": 5, "e": []},
        {"kty": "PQ", "kid": "odd"},
        "a text",
        None,
    ],
    ids=["symmetric", "for encryption", "of another algorithm", "of other deeds", "damaged", "new", "text", "null"],
)
def test_a_key_is_passed_over_that_is(issuer: Issuer, provider: OidcProvider, key: object) -> None:
    provider.further = [key]  # type: ignore[list-item]  # that is what is tested
    assert issuer.key("odd", "RS256") is None
    assert issuer.key("rsa", "RS256")


def test_a_weak_key_is_passed_over(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_module, "_LEAST_RSA_BITS", 4096)
    assert issuer.key("ec", "ES256")
    assert issuer.key("rsa", "RS256") is None


def test_two_keys_of_one_name_are_none(issuer: Issuer, provider: OidcProvider) -> None:
    provider.further = [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "rsa"}]
    assert issuer.key("rsa", "RS256") is None
