"""The list of attacks on tokens (RFC 8725; OWASP), each tried against a provider on loopback."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from serve.access.oidc.issuer import Issuer
from serve.access.oidc.tokens import MOST_BYTES, Tokens
from sievert.errors import AccessError
from sievert.settings import OidcSettings
from tests.oidcprovider import OidcProvider


@pytest.fixture
def tokens(oidc: OidcSettings) -> Tokens:
    return Tokens(Issuer(oidc), leeway_s=5, clock=time.time)


def part(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def now(after_s: int = 0) -> int:
    return int(time.time()) + after_s


def unsigned(provider: OidcProvider, header: dict[str, Any]) -> str:
    _, claims, signature = provider.token().split(".")
    return f"{part(header)}.{claims}.{signature}"


def signed_with_public_key(provider: OidcProvider, form: PublicFormat) -> str:
    """The classic: the public key, which everybody has, taken as the secret of HS256."""
    public = provider.keys["rsa"].as_dict(private=False)
    pem = RSAKey.import_key(public).public_key.public_bytes(Encoding.PEM, form)
    claims = base64.urlsafe_b64decode(provider.token().split(".")[1] + "==")
    key = OctKey.import_key(base64.urlsafe_b64encode(pem).decode())
    return jws.serialize_compact({"alg": "HS256", "kid": "rsa"}, claims, key, algorithms=["HS256"])


def signed_by_another(provider: OidcProvider, **header: object) -> str:
    ours = provider.keys
    provider.keys = {"rsa": RSAKey.generate_key(2048, {"kid": "rsa"})}
    token = provider.token(header=header)
    provider.keys = ours
    return token


def twice(provider: OidcProvider) -> str:
    """Claims with `aud` twice, signed by the provider itself."""
    key = provider.keys["rsa"]
    claims = {"iss": provider.issuer, "sub": "7d1", "exp": now(300), "iat": now()}
    text = json.dumps(claims)[:-1] + ', "aud": "another", "aud": "sievert"}'
    return jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, text, key)


Attack = Callable[[OidcProvider], str]
ATTACKS: dict[str, Attack] = {
    "expired": lambda p: p.token(exp=now(-6)),
    "without an end": lambda p: p.token(exp=None),
    "with an end that is no number": lambda p: p.token(exp="2099-01-01"),
    "with an end that is true": lambda p: p.token(exp=True),
    "not valid yet": lambda p: p.token(nbf=now(60)),
    "of the future": lambda p: p.token(iat=now(60)),
    "of a foreign issuer": lambda p: p.token(iss="https://elsewhere.example"),
    "of an issuer with a slash more": lambda p: p.token(iss=p.issuer + "/"),
    "of issuers in a list": lambda p: p.token(iss=[p.issuer]),
    "without an issuer": lambda p: p.token(iss=None),
    "for another audience": lambda p: p.token(aud="another"),
    "for audiences without us": lambda p: p.token(aud=["another", "sievert2"]),
    "for an audience that is an object": lambda p: p.token(aud={"sievert": 1}),
    "without an audience": lambda p: p.token(aud=None),
    "without a subject": lambda p: p.token(sub=None),
    "of an empty subject": lambda p: p.token(sub=""),
    "of a subject that breaks lines": lambda p: p.token(sub="a\nb"),
    "of a subject that is a list": lambda p: p.token(sub=["7d1"]),
    "bound to a key": lambda p: p.token(cnf={"jkt": "x"}),
    "unsigned (none)": lambda p: unsigned(p, {"alg": "none", "kid": "rsa"}),
    "unsigned (None)": lambda p: unsigned(p, {"alg": "None", "kid": "rsa"}),
    "unsigned, without a signature": lambda p: unsigned(p, {"alg": "none"}).rpartition(".")[0] + ".",
    "without an algorithm": lambda p: unsigned(p, {"kid": "rsa"}),
    "HS256 with the public key, SPKI": lambda p: signed_with_public_key(p, PublicFormat.SubjectPublicKeyInfo),
    "HS256 with the public key, PKCS1": lambda p: signed_with_public_key(p, PublicFormat.PKCS1),
    "signed with another key of the same name": signed_by_another,
    "with a key of its own": lambda p: signed_by_another(p, jwk=p.keys["rsa"].as_dict(private=False)),
    "with a key set of its own": lambda p: signed_by_another(p, jku=p.url + "/certs"),
    "with a certificate's address": lambda p: signed_by_another(p, x5u=p.url + "/cert"),
    "with certificates of its own": lambda p: signed_by_another(p, x5c=["MIIB"]),
    "with the provider's own address of keys": lambda p: p.token(header={"jku": p.url + "/certs"}),
    "that wants an extension": lambda p: p.token(header={"crit": ["kid"]}),
    "that wants an unencoded body": lambda p: unsigned(
        p, {"alg": "RS256", "kid": "rsa", "b64": False, "crit": ["b64"]}
    ),
    "with crit that is a number": lambda p: unsigned(p, {"alg": "RS256", "kid": "rsa", "crit": 5}),
    "of another type": lambda p: p.token(header={"typ": "logout+jwt"}),
    "of a type that is a number": lambda p: unsigned(p, {"alg": "RS256", "kid": "rsa", "typ": 5}),
    "with another's key name": lambda p: p.token(header={"kid": "ec"}),
    "with an unknown key name": lambda p: p.token(header={"kid": "nobody"}),
    "with a path as key name": lambda p: p.token(header={"kid": "../../../dev/null"}),
    "with an injection as key name": lambda p: p.token(header={"kid": "x' UNION SELECT 'key"}),
    "with a list as key name": lambda p: unsigned(p, {"alg": "RS256", "kid": ["rsa"]}),
    "without a key name, of several": lambda p: signed_by_another(p, kid=None),
    "with another algorithm of the same key": lambda p: unsigned(p, {"alg": "PS256", "kid": "rsa"}),
    "with ES256 signature of nothing": lambda p: p.token("ec").rpartition(".")[0] + "." + "A" * 86,
    "whose claims were changed": lambda p: ".".join(
        [p.token().split(".")[0], part({"iss": p.issuer, "aud": "sievert", "sub": "x", "exp": now(99)}), "AAAA"]
    ),
    "whose signature was taken away": lambda p: p.token().rpartition(".")[0],
    "with a signature that is empty": lambda p: p.token().rpartition(".")[0] + ".",
    "in five parts (JWE)": lambda p: p.token() + ".x.y",
    "in JSON form": lambda p: json.dumps(
        dict(zip(("protected", "payload", "signature"), p.token().split("."), strict=True))
    ),
    "with an audience twice": twice,
    "of a list": lambda _: f"{part([1])}.{part([2])}.AAAA",
    "of no JSON": lambda _: "AAAA.AAAA.AAAA",
    "nested without end": lambda _: f"{part({'alg': 'RS256'})}.{'W1tb' * 3000}.AAAA",
    "with NaN for its end": lambda _: f"{part({'alg': 'RS256', 'kid': 'rsa'})}.{part({'exp': float('nan')})}.AAAA",
    "with blanks": lambda p: p.token() + " ",
    "oversized": lambda p: p.token(pad="x" * MOST_BYTES),
    "empty": lambda _: "",
    "dots": lambda _: "..",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_token_is_refused_that_is(attack: str, tokens: Tokens, provider: OidcProvider) -> None:
    assert tokens.claims(provider.token(), audience="sievert")["sub"] == "7d1"
    with pytest.raises(AccessError):
        tokens.claims(ATTACKS[attack](provider), audience="sievert")


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("rsa", {}),
        ("rsa", {"alg": "PS256"}),
        ("rsa", {"typ": None}),
        ("rsa", {"typ": "JWT"}),
        ("rsa", {"typ": "application/at+jwt", "x5t": "abc"}),
        ("ec", {}),
        ("ec", {"kid": None}),
        ("ed", {}),
        ("ed", {"alg": "Ed25519"}),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA")
def test_a_good_token_of_any_asymmetric_algorithm_is_taken(
    tokens: Tokens, provider: OidcProvider, key: str, header: dict[str, Any]
) -> None:
    assert tokens.claims(provider.token(key, header=header), audience="sievert")["sub"] == "7d1"


def test_clocks_may_differ_by_the_leeway(tokens: Tokens, provider: OidcProvider) -> None:
    tokens.claims(provider.token(exp=now(-3), iat=now(4), nbf=now(4)), audience="sievert")


def test_one_audience_of_several_is_enough(tokens: Tokens, provider: OidcProvider) -> None:
    tokens.claims(provider.token(aud=["account", "sievert"]), audience="sievert")


def test_a_token_of_others_makes_nobody_fetch_keys(tokens: Tokens, provider: OidcProvider) -> None:
    for attack in ("of a foreign issuer", "for another audience", "expired", "unsigned (none)", "oversized"):
        with pytest.raises(AccessError):
            tokens.claims(ATTACKS[attack](provider), audience="sievert")
    assert provider.fetches == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(where=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=6))
def test_a_token_with_a_bit_changed_is_refused(tokens: Tokens, provider: OidcProvider, where: int, bit: int) -> None:
    head, claims, signature = provider.token().split(".")
    told = bytearray(f"{head}.{claims}", "ascii")
    told[where % len(told)] ^= 1 << bit
    with pytest.raises(AccessError):
        tokens.claims(f"{told.decode()}.{signature}", audience="sievert")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "x5t", "crit"]), st.text() | st.none() | st.integers())
)
def test_any_header_gives_a_refusal_and_no_other_error(
    tokens: Tokens, provider: OidcProvider, header: dict[str, Any]
) -> None:
    with pytest.raises(AccessError):
        tokens.claims(unsigned(provider, header), audience="sievert")
