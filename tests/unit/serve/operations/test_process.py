from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.results.audit import AuditLog
from pipelines.results.custody.creating import create_key_store
from serve.access.events import AccessEvent
from serve.operations.process import open_operations, watch_task
from serve.operations.tracing import ENDPOINT_VARIABLE
from sievert.errors import ConfigError, StorageError
from sievert.settings import ServeSettings, Settings, TelemetrySettings
from tests.jobs import settings_in

EVENT = AccessEvent("signed in", "ct-1", "key", "192.0.2.7")


def test_the_collector_that_the_environment_names_is_taken_unless_a_setting_names_one(tmp_path: Path) -> None:
    named = {ENDPOINT_VARIABLE: "http://127.0.0.1:4318"}
    found = watch_task(Settings(), tmp_path, environment=named).settings.otlp_endpoint
    assert found is not None
    assert found.get_secret_value() == "http://127.0.0.1:4318"
    told = TelemetrySettings.model_validate({"otlp_endpoint": "https://collector.test"})
    set_ = Settings(serve=ServeSettings(telemetry=told))
    ours = watch_task(set_, tmp_path, environment=named).settings.otlp_endpoint
    assert ours is not None
    assert ours.get_secret_value() == "https://collector.test"
    assert watch_task(Settings(), tmp_path, environment={}).settings.otlp_endpoint is None


def test_traces_do_not_leave_the_machine_in_the_clear(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=ENDPOINT_VARIABLE):
        watch_task(Settings(), tmp_path, environment={ENDPOINT_VARIABLE: "http://collector.test:4318"})


def test_a_sign_in_that_cannot_be_written_down_is_an_error(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    create_key_store(settings.store.keys.absolute())
    settings = settings.model_copy(update={"serve": ServeSettings(state=tmp_path / "state")})
    operations = open_operations(watch_task(settings, tmp_path / "run", environment={}), "front")
    operations.signed(EVENT)
    (entry,) = [json.loads(line) for line in AuditLog(settings.store.keys).lines()][-1:]
    assert (entry["what"], entry["about"]["principal"], entry["about"]["by"]) == ("signed in", "ct-1", "key")
    log = settings.store.keys / "audit.jsonl"
    log.unlink()
    log.mkdir()
    with pytest.raises(StorageError):
        operations.signed(EVENT)
    operations.stop()
