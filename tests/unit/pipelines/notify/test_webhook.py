"""Signed requests, against a receiver on this machine."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pipelines.notify.channels import open_channels
from pipelines.notify.notice import Notice, Stage, Urgency
from pipelines.notify.secrets import find_secret
from pipelines.notify.webhook import WebhookChannel
from pipelines.results.ledger.rpc.account import Secret
from sievert.errors import ConfigError, DeliveryError, RefusedNoticeError
from sievert.settings import NotifySettings, WebhookSettings
from tests.notices import PLANTED, SECRET, Receiver, seal_job, tell

OTHER = "whsec_" + "c2V2ZW50ZWVuIGJ5dGVzIGFuZCBzb21lIG1vcmU="


def notice(tmp_path: Path) -> Notice:
    record = seal_job(tmp_path / "sealed", [0.95]).records[0][0]
    identity = {"PatientID": PLANTED[1], "source": PLANTED[4]}
    return Notice("ab" * 16, Stage.STORED, Urgency.ASAP, record, identity, "2026-03-02T12:00:00+00:00")


def channel(url: str, *, secret: str = SECRET, **settings: object) -> WebhookChannel:
    return WebhookChannel(WebhookSettings.model_validate({"url": url, **settings}), Secret(secret))


def test_the_librarys_own_verification_accepts_what_is_sent(receiver: Receiver, tmp_path: Path) -> None:
    channel(receiver.url).deliver(notice(tmp_path))
    headers, body = receiver.requests[0]
    told = Webhook(SECRET).verify(body, headers)
    assert headers["webhook-id"] == "ab" * 16 + "-stored"
    assert (told["schema"], told["type"]) == ("sievert.notice/1", "sievert.result.stored")
    assert (told["data"]["decision"], told["data"]["probability"], told["data"]["urgency"]) == (
        "positive",
        0.95,
        "asap",
    )


def test_another_secret_another_body_and_an_old_timestamp_are_refused_by_it(receiver: Receiver, tmp_path: Path) -> None:
    channel(receiver.url).deliver(notice(tmp_path))
    headers, body = receiver.requests[0]
    old = datetime.now(UTC) - timedelta(minutes=6)
    replayed = {
        **headers,
        "webhook-timestamp": str(int(old.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(headers["webhook-id"], old, body.decode()),
    }
    for secret, sent, content in ((OTHER, headers, body), (SECRET, headers, body + b" "), (SECRET, replayed, body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(content, sent)


def test_while_secrets_change_either_one_verifies(receiver: Receiver, tmp_path: Path) -> None:
    channel(receiver.url, secret=f"{SECRET} {OTHER}").deliver(notice(tmp_path))
    headers, body = receiver.requests[0]
    assert Webhook(SECRET).verify(body, headers) == Webhook(OTHER).verify(body, headers)


def test_identity_is_sent_only_where_it_was_asked_for(receiver: Receiver, tmp_path: Path) -> None:
    told = notice(tmp_path)
    channel(receiver.url).deliver(told)
    channel(receiver.url, identified=True).deliver(told)
    plain, identified = (json.loads(body)["data"] for _, body in receiver.requests)
    assert {"identity", "patient"} & plain.keys() == set()
    assert identified["identity"] == told.identity
    assert told.record["patient"] not in receiver.requests[0][1].decode()


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 302, 307])
def test_what_may_pass_is_tried_again(receiver: Receiver, tmp_path: Path, code: int) -> None:
    receiver.answer = lambda _: (code, {"Location": f"{receiver.url}/elsewhere", "Retry-After": "17"})
    with pytest.raises(DeliveryError, match=str(code)) as told:
        channel(receiver.url).deliver(notice(tmp_path))
    assert type(told.value) is DeliveryError
    assert told.value.asked_s == 17
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 413, 422])
def test_what_the_receiver_will_never_take_is_not_tried_again(receiver: Receiver, tmp_path: Path, code: int) -> None:
    receiver.answer = lambda _: (code, {})
    with pytest.raises(RefusedNoticeError, match=str(code)):
        channel(receiver.url).deliver(notice(tmp_path))


def test_a_date_in_retry_after_is_understood(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answer = lambda _: (503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
    with pytest.raises(DeliveryError) as told:
        channel(receiver.url).deliver(notice(tmp_path))
    assert (told.value.asked_s or 0) > 1e9


def test_a_receiver_that_is_away_or_silent_is_told_within_the_time_limit_without_its_url(tmp_path: Path) -> None:
    told = notice(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/planted-token"
        with pytest.raises(DeliveryError) as slow:
            channel(url, timeout_s=0.2).deliver(told)
    with pytest.raises(DeliveryError) as gone:
        channel(url).deliver(told)
    shown = [slow.value, gone.value, gone.value.__cause__, channel(url)]
    assert "planted-token" not in repr(shown)


def test_what_goes_to_this_machine_without_encryption_passes_no_proxy(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    channel(receiver.url).deliver(notice(tmp_path))
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://127.0.0.1/a", "https://", "nothing", "http://[::1/"])
def test_a_url_that_is_neither_safe_nor_near_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="url") as told:
        WebhookSettings.model_validate({"url": url})
    assert "example.org" not in str(told.value.errors()[0]["msg"])  # type: ignore[attr-defined] # pydantic's own


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_#", "whsec_" + "A" * 200])
def test_what_is_no_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as told:
        channel("https://example.org", secret=secret)
    assert secret.removeprefix("whsec_") == "" or secret not in told.value.message


def test_the_secret_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = NotifySettings(webhook=WebhookSettings.model_validate({"url": "https://example.org"}))
    monkeypatch.setenv("SIEVERT_WEBHOOK_SECRET", SECRET)
    assert [route.name for route in open_channels(settings)] == ["webhook"]
    with pytest.raises(ConfigError, match="no secret"):
        open_channels(settings)


def test_a_secrets_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        find_secret("SIEVERT_WEBHOOK_SECRET", file, "notify.webhook.secret_file")
    file.chmod(0o600)
    found = find_secret("SIEVERT_WEBHOOK_SECRET", file, "notify.webhook.secret_file")
    assert found is not None
    assert found.text == SECRET
    assert SECRET not in repr(found)


def test_without_any_channel_one_is_told_what_to_set() -> None:
    with pytest.raises(ConfigError) as told:
        open_channels(NotifySettings())
    assert "notify.webhook.url" in told.value.remedy
    assert "notify.mail.host" in told.value.remedy


def test_a_job_is_told_over_the_wire(receiver: Receiver, tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95, 0.1, 0.7])
    tell(job, channel(receiver.url))
    assert list(receiver.ids) == [f"{job.id_of(index)}-stored" for index in (0, 2)]
