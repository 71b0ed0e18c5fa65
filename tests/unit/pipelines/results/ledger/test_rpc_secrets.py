"""Neither the signer's key nor the token in a node's URL shows anywhere."""

from __future__ import annotations

import json
import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest
from eth_account import Account as Accounts
from ledger_programs import word
from rpc_bench import ROOT, WRITER_KEY, RpcBench

from pipelines.results.ledger.rpc.account import Account, Secret, SignerSource
from pipelines.results.ledger.rpc.node import Node
from sievert.errors import LedgerError, LedgerUnavailableError
from sievert.settings import LEDGER_KEY_VARIABLE as KEY_VARIABLE
from sievert.settings import LEDGER_PASSPHRASE_VARIABLE as PASSPHRASE_VARIABLE
from sievert.settings import load_settings
from tests.anvil import free_port

pytest_plugins = ["rpc_fixtures"]

KEY = word("a key").hex()
PASSPHRASE = "correct horse"  # noqa: S105 - of a key made here


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keystore") / "key.json"
    file.write_text(json.dumps(Accounts.encrypt(KEY, PASSPHRASE, iterations=2)))
    return file


def test_a_keystore_opens_with_its_passphrase_from_a_file_or_the_environment(
    keystore: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    address = Accounts.from_key(KEY).address
    assert SignerSource.of_environment(keystore, tmp_path / "passphrase").open().address == address
    monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)
    assert SignerSource.of_environment(keystore, None).open().address == address


def test_secrets_leave_the_environment_when_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)
    load_settings()  # they are no settings, and no misspelt ones
    source = SignerSource.of_environment(None, None)
    assert not {KEY_VARIABLE, PASSPHRASE_VARIABLE} & set(os.environ)
    assert source.open().address == Accounts.from_key(KEY).address


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (SignerSource(), "needs a signer"),
        (SignerSource(key=Secret("0x" + KEY[:-1])), "no secp256k1 key"),
        (SignerSource(key=Secret("00" * 32)), "no secp256k1 key"),
        (SignerSource(Path("absent.json"), passphrase=Secret(PASSPHRASE)), "cannot be read"),
        (SignerSource(Path("absent.json"), Path("absent")), "passphrase cannot be read"),
        (SignerSource(Path("absent.json")), "needs a passphrase"),
    ],
    ids=["none", "short key", "zero key", "no keystore", "no passphrase file", "no passphrase"],
)
def test_a_signer_that_cannot_be_opened_is_told_without_its_secret(source: SignerSource, told: str) -> None:
    with pytest.raises(LedgerError, match=told) as refused:
        source.open()
    shown = "".join(traceback.format_exception(refused.value))
    assert KEY[:-1] not in shown
    assert PASSPHRASE not in shown


def test_a_wrong_passphrase_and_a_file_that_is_no_keystore_are_told(keystore: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]")
    for file, passphrase in ((keystore, "wrong"), (tmp_path / "other.json", PASSPHRASE)):
        with pytest.raises(LedgerError, match="version 3"):
            SignerSource(file, passphrase=Secret(passphrase)).open()


def test_no_secret_can_be_pickled_and_none_is_in_a_repr() -> None:
    source = SignerSource(key=Secret(KEY), passphrase=Secret(PASSPHRASE))
    for holder in (source.key, source, source.open()):
        assert KEY not in repr(holder)
        with pytest.raises(TypeError):
            pickle.dumps(holder)


def test_the_key_is_in_no_log_no_error_and_nowhere_on_the_disk(
    rpc: RpcBench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), rpc.anvil.mining():
        rpc.ledger().anchor(word("job"), root=ROOT, count=5)
    written = b"".join(file.read_bytes() for file in rpc.home.rglob("*") if file.is_file())
    shown = caplog.text + "".join(capfd.readouterr()) + repr(rpc.ledger())
    assert WRITER_KEY not in shown
    assert bytes.fromhex(WRITER_KEY) not in written
    assert WRITER_KEY.encode() not in written


def test_the_token_in_a_nodes_url_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(LedgerUnavailableError) as refused:
        Node(f"http://user:{KEY}@127.0.0.1:{free_port()}/v3/{KEY}", timeout_s=1).head()
    assert KEY not in "".join(traceback.format_exception(refused.value)) + caplog.text


def test_an_account_shows_its_address_only() -> None:
    assert repr(Account(Secret(KEY))) == f"Account({Accounts.from_key(KEY).address})"
