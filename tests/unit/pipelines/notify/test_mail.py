"""Mail, against a real SMTP server on this machine."""

from __future__ import annotations

import email
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pipelines.notify.channels import open_channels
from pipelines.notify.mail import MailChannel
from pipelines.notify.notice import Notice, Stage, Urgency
from pipelines.results.ledger.rpc.account import Secret
from sievert.errors import DeliveryError, RefusedNoticeError
from sievert.settings import MailSettings, NotifySettings
from tests.notices import PLANTED, Clock, Sealed, seal_job, tell

PASSWORD = "planted-password"  # noqa: S105 - what must be shown nowhere


class Box:
    """A mail server's box; `replies` are given instead of taking a mail."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.replies: dict[str, str] = {}
        self.hangs_up = False

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: ANN401, N802 - the library's
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 - the library's
        if self.hangs_up:
            assert server.transport is not None
            server.transport.close()
            return "250 never sent"
        if "DATA" in self.replies:
            return self.replies["DATA"]
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@contextmanager
def serving(box: Box, **options: Any) -> Iterator[int]:  # noqa: ANN401 - the library's options
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    server = Controller(box, hostname="127.0.0.1", port=port, **options)
    server.start()
    try:
        yield port
    finally:
        server.stop()


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that we made and this test trusts."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    near = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(near, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file, trusted = tmp_path / "server.pem", tmp_path / "trusted.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def settings(port: int, **changes: Any) -> MailSettings:  # noqa: ANN401 - each setting has its own type
    given = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "sievert@clinic.example"}
    whole = {"recipients": ["reader@clinic.example"], "worklist": "https://pacs.example/worklist", "timeout_s": 5}
    return MailSettings.model_validate({**given, **whole, **changes})


def mailing(job: Sealed, port: int, clock: Clock | None = None, **changes: Any) -> Any:  # noqa: ANN401
    notify = NotifySettings(mail=settings(port, **changes))
    return tell(job, *open_channels(notify), clock=clock or Clock())


def test_what_is_pressing_has_a_mail_of_its_own_and_the_rest_one_together(box: Box, tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95, 0.5, 0.7, 0.1, 0.99, 0.5], commit=False)
    job.commit(0, 1)
    with serving(box) as port:
        told = mailing(job, port)
    subjects = sorted(mail["Subject"] for _, mail in box.mails if "[asap]" in mail["Subject"])
    assert subjects == ["Sievert [asap] 1 result in the worklist"] * 2
    together = [mail for _, mail in box.mails if "[asap]" not in mail["Subject"]]
    listed = "".join(mail.get_content() for mail in together)
    assert all(job.id_of(index) in listed for index in (1, 2, 5))
    assert told.standing.sent == 5
    assert all(mail["Auto-Submitted"] == "auto-generated" for _, mail in box.mails)


def test_no_mail_says_who_or_what(box: Box, tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95, 0.5])
    with serving(box) as port:
        mailing(job, port)
    written = " ".join(mail.as_string() for _, mail in box.mails)
    assert [word for word in (*PLANTED, "positive", "uncertain", "0.95", "CHEST", f"{0:032x}") if word in written] == []
    assert job.records[0][0]["patient"] not in written
    assert "https://pacs.example/worklist" in written
    assert job.id_of(0) in written


def test_a_repeat_has_the_same_message_id(box: Box, tmp_path: Path) -> None:
    job = seal_job(tmp_path, [0.95])
    with serving(box) as port:
        mailing(job, port)
        (job.keys.folder / "notices" / f"{job.job}.sqlite").unlink()
        mailing(job, port)
    names = [mail["Message-ID"] for _, mail in box.mails]
    assert names == [f"<{job.id_of(0)}.stored@clinic.example>"] * 2


def test_an_escalation_goes_to_others(box: Box, tmp_path: Path) -> None:
    job, clock = seal_job(tmp_path, [0.95]), Clock()
    with serving(box) as port:
        mailing(job, port, clock, escalation=["chief@clinic.example"])
        clock.later(hours=5)
        mailing(job, port, clock, escalation=["chief@clinic.example"])
    assert [to for to, _ in box.mails] == [["reader@clinic.example"], ["chief@clinic.example"]]
    assert "not acknowledged" in box.mails[1][1]["Subject"]


@pytest.mark.parametrize(
    ("where", "reply", "kind"),
    [
        ("DATA", "451 planted-words", DeliveryError),
        ("DATA", "554 planted-words", RefusedNoticeError),
        ("reader@clinic.example", "450 planted-words", DeliveryError),
        ("reader@clinic.example", "550 planted-words", RefusedNoticeError),
        ("second@clinic.example", "550 planted-words", RefusedNoticeError),
        ("second@clinic.example", "452 planted-words", DeliveryError),
    ],
)
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    box: Box, tmp_path: Path, where: str, reply: str, kind: type[DeliveryError]
) -> None:
    job = seal_job(tmp_path, [0.95])
    box.replies[where] = reply
    with serving(box) as port:
        told = mailing(job, port, recipients=["reader@clinic.example", "second@clinic.example"])
    assert (told.standing.dead, told.standing.waiting) == ((1, 0) if kind is RefusedNoticeError else (0, 1))
    queue = (job.keys.folder / "notices" / f"{job.job}.sqlite").read_bytes()
    assert reply[:3].encode() in queue
    assert b"planted-words" not in queue


def test_a_connection_that_breaks_in_the_middle_is_tried_again(box: Box, tmp_path: Path) -> None:
    job, clock, box.hangs_up = seal_job(tmp_path, [0.95]), Clock(), True
    with serving(box) as port:
        assert mailing(job, port, clock).standing.waiting == 1
        box.hangs_up = False
        clock.later(hours=1)
        assert mailing(job, port, clock).standing.sent == 1
    assert mailing(seal_job(tmp_path / "other", [0.95]), port).standing.waiting == 1


def log_in(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:  # noqa: ANN401
    known = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False)


def deliver(port: int, password: str | None = None, **changes: Any) -> None:  # noqa: ANN401
    notice = Notice("cd" * 16, Stage.STORED, Urgency.STAT, {}, {}, "2026-03-02T12:00:00+00:00")
    MailChannel(settings(port, **changes), Secret(password) if password else None).deliver(notice)


def test_starttls_and_log_in(box: Box, certified: ssl.SSLContext) -> None:
    options: dict[str, Any] = {"tls_context": certified, "require_starttls": True, "auth_required": True}
    with serving(box, authenticator=log_in, **options) as port:
        deliver(port, PASSWORD, security="starttls", user="sievert")
        with pytest.raises(DeliveryError, match="password") as told:
            deliver(port, "another", security="starttls", user="sievert")
    assert len(box.mails) == 1
    assert "another" not in repr(told.value)
    assert box.mails[0][1]["Importance"] == "high"


def test_tls_from_the_first_byte(box: Box, certified: ssl.SSLContext) -> None:
    with serving(box, ssl_context=certified) as port:
        deliver(port, security="tls")
    assert len(box.mails) == 1


def test_a_certificate_that_is_not_trusted_gets_no_mail(
    box: Box, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(box, tls_context=certified) as port, pytest.raises(DeliveryError, match="certificate"):
        deliver(port, security="starttls")
    assert box.mails == []


def test_a_server_that_offers_no_encryption_gets_no_mail(box: Box) -> None:
    with serving(box) as port, pytest.raises(DeliveryError, match="no encryption"):
        deliver(port, PASSWORD, security="starttls", user="sievert")
    assert box.mails == []


@pytest.mark.parametrize(
    "changes",
    [
        {"security": "none", "host": "mail.example"},
        {"recipients": []},
        {"sender": None},
        {"recipients": ["a@b.example\r\nBcc: c@d.example"]},
    ],
)
def test_mail_that_could_not_be_sent_safely_is_refused_in_the_settings(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mail|pattern"):
        settings(25, **changes)


def test_a_password_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIEVERT_MAIL_PASSWORD", PASSWORD)
    routes: Callable[[], Any] = lambda: open_channels(NotifySettings(mail=settings(25, user="sievert")))  # noqa: E731
    assert PASSWORD not in repr(routes())
