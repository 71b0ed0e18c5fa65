"""Claims about where results may lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.flows.places import keep_apart, refuse_inputs_around
from pipelines.flows.planning import _digest_inputs
from pipelines.results.custody.creating import create_key_store
from pipelines.results.mirror import open_mirror
from sievert.errors import ConfigError, OutFolderError
from sievert.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("inputs", ["s3://ward/images", "s3://ward/images/", "s3://ward", "s3://ward/images/2027"])
def test_results_in_a_bucket_do_not_lie_among_the_images(inputs: str, tmp_path: Path) -> None:
    out = open_mirror("s3://ward/images/2027", tmp_path).folder
    with pytest.raises(OutFolderError, match="among the inputs"):
        refuse_inputs_around([inputs], out)


def test_results_beside_the_images_are_fine_and_so_is_a_folder(tmp_path: Path) -> None:
    out = open_mirror("s3://ward/images-screened", tmp_path).folder
    refuse_inputs_around(["s3://ward/images", "s3://other"], out)
    refuse_inputs_around([str(tmp_path)], tmp_path / "out")


def test_keys_and_ledger_do_not_lie_in_the_results(tmp_path: Path) -> None:
    for store in (StoreSettings(keys=tmp_path / "out" / "keys"), StoreSettings(ledger=tmp_path / "out" / "ledger")):
        with pytest.raises(ConfigError, match="out folder"):
            keep_apart(tmp_path / "out", store)


def test_a_job_over_a_url_is_the_same_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = create_key_store(tmp_path / "keys")
    digests = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        digests.append((_digest_inputs(["s3://ward/x"], keys), _digest_inputs(["images"], keys)))
    (url, folder), (url_elsewhere, folder_elsewhere) = digests
    assert url == url_elsewhere
    assert folder != folder_elsewhere
