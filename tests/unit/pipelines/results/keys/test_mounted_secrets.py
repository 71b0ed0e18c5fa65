"""Secrets as Kubernetes mounts them: links into a folder of versions, owned by root, readable to the pod's group."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.notify.secrets import find_secret
from pipelines.results.keys.keyfiles import read_secret
from sievert.errors import ConfigError, KeyStoreError


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """As the kubelet lays it out."""
    version = tmp_path / "..2026_11_26"
    version.mkdir()
    (version / "passphrase").write_text("open sesame")
    (tmp_path / "..data").symlink_to(version.name)
    (tmp_path / "passphrase").symlink_to("..data/passphrase")
    return tmp_path / "passphrase"


def set_mode(file: Path, mode: int) -> None:
    file.resolve().chmod(mode)


def be_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65_532)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
def test_a_secret_that_root_shares_with_our_group_is_read(
    mounted: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    set_mode(mounted, mode)
    be_somebody_else(monkeypatch)
    assert read_secret(mounted) == b"open sesame"
    found = find_secret("NO_SUCH_VARIABLE", mounted, "notify.mail.password_file")
    assert found is not None
    assert found.text == "open sesame"


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o404, 0o644])
def test_one_that_everybody_reads_or_the_group_writes_is_refused(
    mounted: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    set_mode(mounted, mode)
    be_somebody_else(monkeypatch)
    with pytest.raises(KeyStoreError, match="others may read"):
        read_secret(mounted)
    with pytest.raises(ConfigError, match="others may read"):
        find_secret("NO_SUCH_VARIABLE", mounted, "notify.mail.password_file")


def test_a_file_of_our_own_is_for_us_alone(mounted: Path) -> None:
    set_mode(mounted, 0o440)
    with pytest.raises(KeyStoreError, match="others may read"):
        read_secret(mounted)
