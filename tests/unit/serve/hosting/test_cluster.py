from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.results.custody.creating import create_key_store
from serve.access.apikeys import ApiKeys
from serve.access.principal import Role
from serve.hosting.cluster import ServeArguments, build
from sievert.errors import ConfigError, ModelMissingError
from tests.packages import make_package

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings as a chart's ConfigMap gives them, and a key store."""
    create_key_store(tmp_path / "keys")
    file = tmp_path / "sievert.toml"
    file.write_text(f'[store]\nkeys = "{tmp_path}/keys"\n[serve]\nstate = "{tmp_path}/state"\nmax_replicas = 3\n')
    monkeypatch.setenv("SIEVERT_CONFIG", str(file))
    return tmp_path


def arguments(home: Path, app: str, *models: str) -> ServeArguments:
    return ServeArguments.model_validate({"app": app, "models": models or ("default",), "results": str(home / "out")})


def test_a_model_is_an_application_of_its_name_with_the_sites_limits(home: Path) -> None:
    deployment = build(arguments(home, "model"))._bound_deployment
    assert deployment.name == "default"
    assert deployment._deployment_config.autoscaling_config.max_replicas == 3


def test_the_roller_runs_where_the_signers_secrets_are_and_nowhere_else(home: Path) -> None:
    options = build(arguments(home, "roller"))._bound_deployment.ray_actor_options
    assert options["resources"] == {"signer": 0.01}


def test_a_front_into_which_nobody_could_sign_in_is_not_built(home: Path) -> None:
    with pytest.raises(ConfigError, match="nobody could sign in"):
        build(arguments(home, "front"))


def test_with_an_api_key_there_is_a_front(home: Path) -> None:
    ApiKeys(home / "state").add("ct-room", [Role.SUBMITTER], lifetime_s=60)
    assert build(arguments(home, "front", "default"))._bound_deployment.name == "front"


def test_the_shelf_is_an_application_of_its_own_whose_models_the_front_knows(home: Path) -> None:
    make_package(home / "hand", np.eye(2, 1, dtype=np.float32), shape=(4, 4))
    shelf = build(arguments(home, "shelf", str(home / "hand")))._bound_deployment
    assert shelf.name == "shelf"
    assert shelf._deployment_config.autoscaling_config.max_replicas == 3
    ApiKeys(home / "state").add("ct-room", [Role.SUBMITTER], lifetime_s=60)
    front = arguments(home, "front", "default").model_copy(update={"shelf": (str(home / "hand"),)})
    (task,) = build(front)._bound_deployment.init_args
    assert ([model.name for model in task.models], task.shelved) == (["default", "hand"], {"hand"})


def test_arguments_that_cannot_be_are_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match="one model"):
        build(arguments(home, "model", "default", "default"))
    with pytest.raises(ModelMissingError):
        build(arguments(home, "model", "no-such-model"))
    for wrong in ({"app": "other"}, {"app": "model", "models": []}, {"app": "model", "misspelt": 1}):
        with pytest.raises(ValidationError):
            ServeArguments.model_validate(wrong)


def test_no_key_store_is_made_where_the_site_has_not_put_one(home: Path) -> None:
    (home / "sievert.toml").write_text(f'[store]\nkeys = "{home}/other"\n')
    build(arguments(home, "model"))
    assert not (home / "other").exists()
