"""Mail by SMTP (RFC 5321), encrypted unless the server is this machine."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipelines.notify.mailtext import write_mail
from pipelines.notify.notice import RANKS, Stage, Urgency
from sievert.errors import DeliveryError, RefusedNoticeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import EmailMessage

    from pipelines.notify.notice import Notice
    from pipelines.results.ledger.rpc.account import Secret
    from sievert.settings import MailSettings

_PERMANENT = 500
"""Replies from here on are final (RFC 5321, 4.2.1)."""
_OWN_MAIL = RANKS[Urgency.ASAP]
"""From this rank on a notice has a mail of its own."""


class MailChannel:
    """Tells people that something waits in the worklist: never of whom, never what.

    Args:
        settings: The branch; it is whole.
        password: Where the server wants one.
    """

    name = "mail"

    def __init__(self, settings: MailSettings, password: Secret | None) -> None:
        self._settings, self._password = settings, password

    def __repr__(self) -> str:
        return "MailChannel()"

    def gathers(self, notice: Notice) -> bool:
        """What is less urgent waits for the pass's one mail; escalations go to others, each by itself."""
        return RANKS[notice.urgency] < _OWN_MAIL and notice.stage is not Stage.ESCALATED

    def deliver(self, notice: Notice) -> None:
        """Send a mail of one notice; see `Channel`.

        Raises:
            DeliveryError: The server is away, or refuses for now.
            RefusedNoticeError: It refuses for good: the sender, a recipient, or the mail.
        """
        self.deliver_together([notice])

    def deliver_together(self, notices: Sequence[Notice]) -> None:
        """Send one mail of several notices of the same stage; raises what `deliver` raises."""
        settings = self._settings
        escalated = notices[0].stage is Stage.ESCALATED
        recipients = settings.escalation if escalated else settings.recipients
        self._send(write_mail(notices, sender=settings.sender or "", recipients=recipients, worklist=settings.worklist))

    def _send(self, message: EmailMessage) -> None:
        with _told_as_ours(), self._connected() as server:
            refused = server.send_message(message)
        if refused:
            raise _refused([code for code, _ in refused.values()], "some recipients")

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        host, port, limit_s = settings.host or "", settings.port, settings.timeout_s
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=limit_s, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(host, port, timeout=limit_s)
        try:
            if settings.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.user is not None and self._password is not None:
                server.login(settings.user, self._password.text)
            yield server
            with suppress(smtplib.SMTPException, OSError):  # what matters has been answered
                server.quit()
        finally:
            server.close()


@contextmanager
def _told_as_ours() -> Iterator[None]:
    """Errors by their kind and code: a server's own words may repeat an address, or more."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused([code for code, _ in error.recipients.values()], "every recipient") from None
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError(f"the mail server does not take the password (reply {error.smtp_code})") from None
    except smtplib.SMTPSenderRefused as error:
        raise _refused([error.smtp_code], "the sender") from None
    except smtplib.SMTPDataError as error:
        raise _refused([error.smtp_code], "the mail") from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"the mail server refuses to talk (reply {error.smtp_code})") from None
    except ssl.SSLCertVerificationError:
        raise DeliveryError("the mail server's certificate is none that this machine trusts") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryError("the mail server offers no encryption, or no log-in") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise DeliveryError(f"the mail server cannot be reached ({type(error).__name__})") from None


def _refused(codes: Sequence[int], whom: str) -> DeliveryError:
    """One refusal for good is told at once, so that somebody mends it; what may pass is tried again for all."""
    worst = max(codes)
    kind = RefusedNoticeError if worst >= _PERMANENT else DeliveryError
    return kind(f"the mail server refuses {whom} (reply {worst})")
