from __future__ import annotations

import pytest

from cluster.submission.choosing import choose_profile
from sievert.errors import ConfigError
from sievert.settings import SubmitProfile, load_settings

LAB = SubmitProfile(address="http://lab:8265")
CLINIC = SubmitProfile(kind="kuberay", namespace="clinic")


def chosen(*profiles: SubmitProfile, name: str | None = None, address: str | None = None) -> SubmitProfile:
    named = dict(zip(("one", "two"), profiles, strict=False))
    return choose_profile(named, name, address=address, namespace=None)


def test_the_only_profile_is_meant_and_an_address_needs_none() -> None:
    assert chosen(LAB) == LAB
    assert chosen(LAB, CLINIC, name="two") == CLINIC
    assert chosen(LAB, CLINIC, address="http://other:1").address == "http://other:1"
    assert chosen().kind == "ray"


@pytest.mark.parametrize(
    ("profiles", "name", "address", "told"),
    [
        ((LAB, CLINIC), None, None, "several profiles"),
        ((LAB,), "three", None, "no profile `three`"),
        ((CLINIC,), "one", "http://other:1", "has no address"),
    ],
)
def test_what_is_not_clear_is_refused(
    profiles: tuple[SubmitProfile, ...], name: str | None, address: str | None, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        chosen(*profiles, name=name, address=address)


def test_a_namespace_that_is_given_goes_before_the_profiles() -> None:
    assert choose_profile({"one": CLINIC}, None, address=None, namespace="other").namespace == "other"


def test_profiles_come_from_the_environment_too_and_hold_no_credentials() -> None:
    environment = {"SIEVERT_CLUSTERS__LAB__ADDRESS": "http://lab:8265"}
    assert load_settings(environment=environment).settings.clusters["lab"] == LAB
    with pytest.raises(ConfigError, match="token"):
        load_settings(environment={"SIEVERT_CLUSTERS__LAB__TOKEN": "secret"})
