"""Opens the channels that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.notify.notice import Stage, Urgency
from pipelines.notify.route import Route
from pipelines.notify.secrets import find_secret
from sievert.errors import ConfigError
from sievert.settings import (
    FHIR_TOKEN_VARIABLE,
    MAIL_PASSWORD_VARIABLE,
    STOW_TOKEN_VARIABLE,
    WEBHOOK_SECRET_VARIABLE,
)

if TYPE_CHECKING:
    from sievert.settings import DicomSettings, FhirSettings, MailSettings, NotifySettings, WebhookSettings


def is_configured(settings: NotifySettings) -> bool:
    """Whether there is anybody to be told."""
    places = (settings.webhook.url, settings.fhir.url, settings.dicom.url, settings.dicom.folder, settings.mail.host)
    return any(place is not None for place in places)


def open_channels(settings: NotifySettings) -> list[Route]:
    """Every channel that the settings name; secrets are taken out of the environment, nothing is connected to yet.

    Raises:
        ConfigError: There is none, or a secret is missing.
    """
    routes: list[Route] = []
    if settings.webhook.url is not None:
        routes.append(_webhook(settings.webhook))
    if settings.fhir.url is not None:
        routes.append(_fhir(settings.fhir))
    if settings.dicom.url is not None or settings.dicom.folder is not None:
        routes.append(_dicom(settings.dicom))
    if settings.mail.host is not None:
        routes.append(_mail(settings.mail))
    if not routes:
        raise ConfigError(
            "no channel is configured, so nobody can be told",
            remedy="Set notify.webhook.url, notify.fhir.url, notify.dicom.url or notify.mail.host (docs/notify.md).",
        )
    return routes


def _webhook(settings: WebhookSettings) -> Route:
    from pipelines.notify.webhook import WebhookChannel

    secret = find_secret(WEBHOOK_SECRET_VARIABLE, settings.secret_file, "notify.webhook.secret_file")
    if secret is None:
        raise ConfigError(f"the webhook has no secret: set notify.webhook.secret_file or {WEBHOOK_SECRET_VARIABLE}")
    stages = frozenset(Stage(stage) for stage in settings.stages)
    return Route(WebhookChannel(settings, secret), stages, Urgency(settings.min_urgency))


def _fhir(settings: FhirSettings) -> Route:
    """A system of record is written to at any hour."""
    from pipelines.notify.fhir.channel import FhirChannel

    token = find_secret(FHIR_TOKEN_VARIABLE, settings.token_file, "notify.fhir.token_file")
    return Route(FhirChannel(settings, token), least=Urgency(settings.min_urgency), disturbs=False)


def _dicom(settings: DicomSettings) -> Route:
    """What is stored stays as it is: there is nothing to update when the job is anchored, or nobody answers."""
    from pipelines.notify.dicom.channel import DicomChannel

    token = find_secret(STOW_TOKEN_VARIABLE, settings.token_file, "notify.dicom.token_file")
    return Route(
        DicomChannel(settings, token), frozenset({Stage.STORED}), Urgency(settings.min_urgency), disturbs=False
    )


def _mail(settings: MailSettings) -> Route:
    """People are told of what is stored; the anchor's state is nothing to get up for."""
    from pipelines.notify.mail import MailChannel

    password = find_secret(MAIL_PASSWORD_VARIABLE, settings.password_file, "notify.mail.password_file")
    if settings.user is not None and password is None:
        raise ConfigError(f"mail has no password: set notify.mail.password_file or {MAIL_PASSWORD_VARIABLE}")
    stages = {Stage.STORED} | ({Stage.ESCALATED} if settings.escalation else set())
    return Route(
        MailChannel(settings, password),
        frozenset(stages),
        Urgency(settings.min_urgency),
        escalates_apart=True,
    )
