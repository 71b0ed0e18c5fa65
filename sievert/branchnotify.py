"""The branch of the tree of settings that says who is told of what, when, and how."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from sievert.branchdocuments import DicomSettings, FhirSettings
from sievert.branches import Branch, Place
from sievert.branchurls import LOOPBACK, SafeUrl, UrgencyName, from_json

StageName = Literal["stored", "anchored", "escalated"]
DAY_S = 86_400.0
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # what zoneinfo raises depends on the name
        raise ValueError("it is no time zone that this machine knows") from None
    return name


def _is_span(hours: str) -> str:
    start, _, end = hours.partition("-")
    if not _HOURS.fullmatch(hours) or start == end:
        raise ValueError("quiet hours are written as 22:00-07:00")
    return hours


Address = Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(from_json)]


class NotifyRule(Branch):
    """Whoever fits all that is named here is told of with this urgency; what is left out fits everything."""

    outcome: Literal["screened", "quarantined"] = Field(
        default="screened", description="Of results, or of inputs that were refused."
    )
    decision: Literal["negative", "positive", "uncertain"] | None = Field(default=None, description="What was decided.")
    diagnosis: str | None = Field(default=None, description="The diagnosis, word by word.")
    min_probability: float | None = Field(default=None, ge=0, le=1, description="Least probability, 0 to 1.")
    reason: str | None = Field(
        default=None, description="Reason of a refusal, or its family (the part before the dot)."
    )
    urgency: UrgencyName = Field(description="How soon somebody must look.")


Rules = Annotated[tuple[NotifyRule, ...], BeforeValidator(from_json)]

DEFAULT_RULES = (
    NotifyRule(decision="positive", min_probability=0.9, urgency="asap"),
    NotifyRule(decision="positive", urgency="urgent"),
    NotifyRule(decision="uncertain", urgency="routine"),
)


class EscalationDelays(Branch):
    """Seconds until a notice that nobody acknowledged is escalated, by urgency; left out: never."""

    routine: PositiveFloat | None = Field(default=None, description="Of routine notices.")
    urgent: PositiveFloat | None = Field(default=DAY_S, description="Of urgent ones.")
    asap: PositiveFloat | None = Field(default=4 * 3600.0, description="Of those as soon as possible.")
    stat: PositiveFloat | None = Field(default=1800.0, description="Of those at once.")


class WebhookSettings(Branch):
    """A receiver of signed HTTP requests (Standard Webhooks)."""

    url: SafeUrl | None = Field(
        default=None, description="Where notices are posted: https, or http on this machine. Left out: no webhook."
    )
    secret_file: Place | None = Field(
        default=None,
        description="File with the signing secret, `whsec_…`, mode 0600. Left out: it is in `SIEVERT_WEBHOOK_SECRET`.",
    )
    timeout_s: PositiveFloat = Field(default=10, description="How long the receiver may be silent, in seconds.")
    identified: bool = Field(
        default=False, description="Send what names the patient too: ids, study, accession number, source."
    )
    min_urgency: UrgencyName = Field(default="routine", description="What is less urgent is not sent there.")
    stages: Annotated[tuple[StageName, ...], BeforeValidator(from_json)] = Field(
        default=("stored", "anchored", "escalated"), min_length=1, description="Of which stages it is told."
    )


class MailSettings(Branch):
    """Mail without any patient's detail and without a finding."""

    host: str | None = Field(default=None, description="The mail server. Left out: no mail.")
    port: PositiveInt = Field(default=587, le=65_535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; `none` on this machine only."
    )
    user: str | None = Field(default=None, description="Whom we log in as. Left out: no log-in.")
    password_file: Place | None = Field(
        default=None,
        description="File with the password, mode 0600. Left out: it is in `SIEVERT_MAIL_PASSWORD`.",
    )
    sender: Address | None = Field(default=None, description="The address that mail comes from.")
    recipients: Addresses = Field(default=(), description="Who is told, as a list of addresses.")
    escalation: Addresses = Field(
        default=(), description="Who is told when nobody acknowledged in time; none: no mail of escalation."
    )
    worklist: SafeUrl | None = Field(default=None, description="Where the worklist is; the link stands in each mail.")
    timeout_s: PositiveFloat = Field(default=20, description="How long the server may be silent, in seconds.")
    min_urgency: UrgencyName = Field(default="routine", description="What is less urgent is not mailed.")

    @model_validator(mode="after")
    def _is_whole(self) -> MailSettings:
        if self.host is None:
            return self
        if self.sender is None or not self.recipients:
            raise ValueError("mail needs host, sender and recipients")
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("mail is encrypted unless the server is this machine")
        return self


class NotifySettings(Branch):
    """Who is told of what, and when (docs/notify.md)."""

    rules: Rules = Field(
        default=DEFAULT_RULES,
        description="What is told, and how urgent it is: tables in order, the first that fits decides, else not told.",
    )
    quiet_hours: Annotated[str, AfterValidator(_is_span)] | None = Field(
        default=None, description="When people are left alone, `22:00-07:00`; left out: never."
    )
    time_zone: Annotated[str, AfterValidator(_is_zone)] = Field(
        default="UTC", description="Of the quiet hours, by its IANA name: `Europe/Berlin`."
    )
    quiet_below: UrgencyName = Field(
        default="asap", description="What is less urgent than this waits until quiet hours end; stat never waits."
    )
    escalate_after_s: EscalationDelays = EscalationDelays()
    first_retry_s: PositiveFloat = Field(
        default=30, description="Wait before the second attempt, in seconds; doubled each time."
    )
    longest_retry_s: PositiveFloat = Field(default=3600, description="Longest wait between two attempts, in seconds.")
    give_up_after_s: PositiveFloat = Field(
        default=3 * DAY_S, description="A notice that failed for so many seconds is put aside as a dead letter."
    )
    closing_s: NonNegativeFloat = Field(
        default=30, description="How long `sievert screen` goes on telling when it is finished, in seconds."
    )
    webhook: WebhookSettings = WebhookSettings()
    fhir: FhirSettings = FhirSettings()
    dicom: DicomSettings = DicomSettings()
    mail: MailSettings = MailSettings()
