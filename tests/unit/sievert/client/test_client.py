from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.package import load_package
from models.predictor import Predictor
from sievert.client import Client, Progress
from sievert.errors import AccessError, ConfigError, ForbiddenError, InputMissingError, ServeError
from tests.dicoms import chest, encoded
from tests.onlineapp import app_around
from tests.onlinebackend import READER, TOKEN, Online
from tests.uvicorns import served


@pytest.fixture(scope="module")
def url(online: Online) -> Iterator[str]:
    with served(app_around(online)) as found:
        yield found


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, TOKEN, tries=1) as found:
        yield found


def test_a_study_comes_back_as_a_typed_record(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(encoded(chest()))
    by_path, by_bytes = client.screen(file, model="default"), client.screen(file.read_bytes(), patient="p-1")
    assert by_path.screened
    assert by_path.decision in ("negative", "positive", "uncertain")
    assert by_path.probability == pytest.approx(by_bytes.probability)
    assert by_path.whole["modality"] == "DX"


def test_what_is_refused_comes_back_with_its_reason(client: Client) -> None:
    found = client.screen(b"no picture at all")
    assert (found.screened, found.outcome, found.reason) == (False, "quarantined", "format.unknown")


def test_several_studies_come_back_in_their_order(client: Client) -> None:
    found = client.screen_many([encoded(chest()), b"none", encoded(chest())])
    assert [one.screened for one in found] == [True, False, True]


def test_a_job_tells_its_progress_and_gives_its_records(client: Client) -> None:
    seen: list[Progress] = []
    found = client.wait(client.submit([encoded(chest()) for _ in range(3)]), progress=seen.append)
    assert [one.screened for one in found] == [True] * 3
    assert seen[-1].done == seen[-1].total == 3
    assert all(one.done <= two.done for one, two in pairwise(seen))


def test_a_cancelled_job_is_gone(client: Client) -> None:
    job = client.submit([encoded(chest())])
    client.cancel(job)
    with pytest.raises(ServeError, match="HTTP 404"):
        client.look(job)
    with pytest.raises(ServeError, match="HTTP 404"):
        client.wait(job)


def test_models_say_what_they_read(client: Client, online: Online) -> None:
    (model,) = client.models()
    assert (model.name, model.shape) == ("default", online.screener.shape)


def test_tensors_get_the_probabilities_of_batch(client: Client, online: Online) -> None:
    images = np.random.default_rng(3).normal(size=(3, *online.screener.shape)).astype(np.float32)
    expected = np.stack([one.probabilities for one in Predictor(load_package("default"))(images)])
    np.testing.assert_allclose(client.infer(images), expected, atol=1e-5)
    np.testing.assert_allclose(client.infer(images, model="default"), expected, atol=1e-5)


def test_refusals_are_errors_of_ours(client: Client, url: str) -> None:
    with Client(url) as nobody, pytest.raises(AccessError, match="HTTP 401"):
        nobody.models()
    with Client(url, READER) as reader, pytest.raises(ForbiddenError, match="HTTP 403"):
        reader.models()
    with pytest.raises(ServeError, match="no model of that name") as told:
        client.screen(b"x", model="other")
    assert "default" in told.value.remedy
    with pytest.raises(ServeError, match="HTTP 422"):
        client.infer(np.zeros((1, 1, 2, 2), np.float32), model="default")


def test_a_file_that_is_not_there_is_said_without_its_name(client: Client) -> None:
    with pytest.raises(InputMissingError) as told:
        client.screen("/nowhere/jane-doe.dcm")
    assert "jane" not in str(told.value)


def test_the_token_comes_from_the_environment_or_a_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with Client(url, token_file=file) as client:
        assert client.models()
    monkeypatch.setenv("SIEVERT_TOKEN", TOKEN)
    with Client(url) as client:
        assert client.models()


def test_what_is_no_token_is_refused_before_it_is_sent(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="blanks"):
        Client(url, "two words")
    with pytest.raises(ConfigError, match="cannot be read"):
        Client(url, token_file=tmp_path / "none")


def test_the_token_is_never_shown(client: Client) -> None:
    assert TOKEN not in repr(client)
    assert TOKEN not in repr(client._connection._http.headers)


def test_it_imports_nothing_heavy() -> None:
    heavy = {"ray", "torch", "cv2", "numpy", "pyarrow", "pydantic", "cryptography", "fastapi", "pydicom"}
    program = f"import sys, sievert.client; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
