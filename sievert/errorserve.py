"""The errors of the online service; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


class ServeError(SievertError):
    """The online service cannot be started, or does not answer."""

    exit_code = 90
    advice = "See `sievert serve status`; another --port or --address may be needed."


class PortTakenError(ServeError):
    """Something else listens on the port."""

    exit_code = 91
    advice = "Name another --port, or stop what listens there."


class AccessError(ServeError):
    """Who asks has not shown who they are, or may not do this."""

    exit_code = 92
    advice = "Sign in, or give a token whose roles allow it."


class ForbiddenError(AccessError):
    """Who asks is known, and their roles do not allow it."""

    exit_code = 93
    advice = "Ask whoever gives roles for one that allows it."


class OverloadedError(ServeError):
    """The service has too much in hand already."""

    exit_code = 95
    advice = "Send it again a moment later, or let the service have more replicas."


class ReplicaLostError(ServeError):
    """The process that had the request is gone, or none answers."""

    exit_code = 96
    advice = "Send it again: another process takes its place."


class ReviewConflictError(ServeError):
    """Two people reviewed a case at once; the later one is told."""

    exit_code = 94
    advice = "Look at what the other did, and say again what still holds."
