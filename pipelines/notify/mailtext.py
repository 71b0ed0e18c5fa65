"""What a mail says: how urgent it is, how many results, their notice ids, where the worklist is. Nothing else."""

from __future__ import annotations

from collections import Counter
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelines.notify.notice import RANKS, Stage, Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from pipelines.notify.notice import Notice

_PLAIN = "This mail is written by a machine. It names no patient and no finding; nobody reads replies to it."
_MOST_LISTED = 100


def write_mail(
    notices: Sequence[Notice], *, sender: str, recipients: Sequence[str], worklist: SecretStr | None
) -> EmailMessage:
    """A mail about notices of one stage.

    Its Message-ID comes from them, so mail readers drop a repeat (RFC 5322, 3.6.4); RFC 3834 keeps machines from
    answering.

    Args:
        notices: One, or those of a digest.
        sender: The address that it comes from.
        recipients: Those that it goes to.
        worklist: Where results are looked at.
    """
    urgency = max((one.urgency for one in notices), key=RANKS.__getitem__)
    message = EmailMessage()
    message["From"], message["To"] = sender, ", ".join(recipients)
    message["Subject"] = _subject(notices, urgency)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{_name(notices)}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if urgency in {Urgency.ASAP, Urgency.STAT}:
        message["Importance"] = "high"
    message.set_content(_text(notices, worklist))
    return message


def _subject(notices: Sequence[Notice], urgency: Urgency) -> str:
    again = "not acknowledged yet: " if notices[0].stage is Stage.ESCALATED else ""
    return f"Sievert [{urgency.value}] {again}{_counted(len(notices))} in the worklist"


def _text(notices: Sequence[Notice], worklist: SecretStr | None) -> str:
    counts = Counter(one.urgency for one in notices)
    lines = [_opening(notices), ""]
    lines += [f"{urgency.value}: {counts[urgency]}" for urgency in reversed(Urgency) if counts[urgency]]
    if worklist is not None:
        lines += ["", f"Worklist: {worklist.get_secret_value()}"]
    listed = [one.id for one in notices[:_MOST_LISTED]]
    lines += ["", "Notices:", *(f"  {one}" for one in listed)]
    if len(notices) > len(listed):
        lines.append(f"  and {len(notices) - len(listed)} more")
    return "\n".join([*lines, "", _PLAIN, ""])


def _opening(notices: Sequence[Notice]) -> str:
    verb = "waits" if len(notices) == 1 else "wait"
    if notices[0].stage is Stage.ESCALATED:
        return f"{_counted(len(notices))} {verb} in the worklist, and nobody has acknowledged it in time."
    return f"{_counted(len(notices))} {verb} in the worklist."


def _counted(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"


def _name(notices: Sequence[Notice]) -> str:
    """A notice's own id, or one for a digest."""
    stage = notices[0].stage.value
    if len(notices) == 1:
        return f"{notices[0].id}.{stage}"
    together = sha256("\n".join(sorted(one.id for one in notices)).encode()).hexdigest()
    return f"{together[:32]}.{stage}.digest"
