"""Opens the channels that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.notify.notice import Stage, Urgency
from pipelines.notify.route import Route
from pipelines.notify.secrets import find_secret
from sievert.errors import ConfigError
from sievert.settings import WEBHOOK_SECRET_VARIABLE

if TYPE_CHECKING:
    from sievert.settings import NotifySettings, WebhookSettings


def is_configured(settings: NotifySettings) -> bool:
    """Whether there is anybody to be told."""
    return settings.webhook.url is not None


def open_channels(settings: NotifySettings) -> list[Route]:
    """Every channel that the settings name; secrets are taken out of the environment, nothing is connected to yet.

    Raises:
        ConfigError: There is none, or a secret is missing.
    """
    routes: list[Route] = []
    if settings.webhook.url is not None:
        routes.append(_webhook(settings.webhook))
    if not routes:
        raise ConfigError(
            "no channel is configured, so nobody can be told",
            remedy="Set notify.webhook.url, or notify.mail.host with sender and recipients (docs/notify.md).",
        )
    return routes


def _webhook(settings: WebhookSettings) -> Route:
    from pipelines.notify.webhook import WebhookChannel

    secret = find_secret(WEBHOOK_SECRET_VARIABLE, settings.secret_file, "notify.webhook.secret_file")
    if secret is None:
        raise ConfigError(f"the webhook has no secret: set notify.webhook.secret_file or {WEBHOOK_SECRET_VARIABLE}")
    stages = frozenset(Stage(stage) for stage in settings.stages)
    return Route(WebhookChannel(settings, secret), stages, Urgency(settings.min_urgency))
