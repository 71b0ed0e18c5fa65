"""Who asks, and what their roles allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the service."""

    SUBMITTER = "submitter"
    READER = "reader"
    CLINICIAN = "clinician"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """What can be allowed."""

    INFER = "infer"
    """Send tensors or studies and read the answer."""
    READ = "read"
    """See cases of patients."""
    REVIEW = "review"
    """Acknowledge, disagree, assign."""
    AUDIT = "audit"
    """Read who did what."""
    OPERATE = "operate"
    """See metrics and status, manage models."""


ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.SUBMITTER: frozenset({Permission.INFER}),
    Role.READER: frozenset({Permission.READ}),
    Role.CLINICIAN: frozenset({Permission.READ, Permission.REVIEW}),
    Role.AUDITOR: frozenset({Permission.AUDIT}),
    Role.OPERATOR: frozenset({Permission.OPERATE}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who has shown who they are.

    Attributes:
        name: As the audit log names them: an account, or the name of an API key.
        roles: What they are.
        by: How they have shown it: `one-time`, `key`, `oidc`, `session`.
    """

    name: str
    roles: frozenset[Role]
    by: str

    def may(self, permission: Permission) -> bool:
        """Whether any role allows it."""
        return any(permission in ALLOWED[role] for role in self.roles)
