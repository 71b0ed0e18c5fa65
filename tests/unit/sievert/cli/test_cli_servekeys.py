from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serve.access.apikeys import ApiKeys
from serve.access.principal import Role
from sievert.cli.servekeys import app
from sievert.errors import ConfigError, ServeError


def call(state: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--state", str(state)])


def test_the_key_is_printed_once_alone_on_stdout(tmp_path: Path) -> None:
    state = tmp_path / "state"
    added = call(state, "add", "ct-1", "--role", "submitter", "--role", "reader", "--days", "7")
    key = ApiKeys(state).check(added.stdout.strip())
    assert key.roles == {Role.SUBMITTER, Role.READER}
    assert key.expires - key.created == 7 * 86_400
    assert added.stdout.strip() not in added.stderr
    assert added.stdout.strip().rpartition("_")[2] not in call(state, "list").stdout


def test_machines_are_told_the_key_and_later_only_what_it_is(tmp_path: Path) -> None:
    state = tmp_path / "state"
    added = json.loads(call(state, "add", "ct-1", "--role", "submitter", "--json").stdout)
    text = added.pop("key")
    assert json.loads(call(state, "list", "--json").stdout) == [added]
    assert added["last_4"] == text[-4:]
    assert set(added) == {"id", "name", "roles", "state", "created", "expires", "last_4"}


def test_a_revoked_key_is_listed_as_such(tmp_path: Path) -> None:
    state = tmp_path / "state"
    call(state, "add", "ct-1", "--role", "submitter")
    assert json.loads(call(state, "revoke", "ct-1", "--json").stdout)["state"] == "revoked"
    assert "revoked" in call(state, "list").stdout
    assert isinstance(call(state, "revoke", "ct-1").exception, ServeError)


def test_a_role_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(app, ["add", "ct-1", "--role", "root", "--state", str(tmp_path)], catch_exceptions=False)
    assert "submitter" in caught.value.remedy
