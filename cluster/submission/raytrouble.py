"""What an answer of Ray's dashboard, or none, means to who asked."""

from __future__ import annotations

import ssl

import httpx

from cluster.submission.clock import certificate_error, or_clock
from sievert.errors import (
    AddressError,
    ClusterMissingError,
    ConfigError,
    CredentialsError,
    JobMissingError,
    OldRayError,
    SievertError,
    SubmissionError,
)

_UNAUTHORIZED, _FORBIDDEN, _MISSING, _BROKEN = 401, 403, 404, 500


def told(error: Exception, address: str) -> SievertError:
    """Of a request that got no answer."""
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return ConfigError(f"{address} is no address", remedy="It looks like http://127.0.0.1:8265.")
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLError):
            return certificate_error(str(reason)) or AddressError(
                f"no TLS with {address} ({(reason.reason or 'refused').lower()})",
                remedy="Is it http? For a certificate of the site's own, name its CA in SSL_CERT_FILE.",
            )
        reason = reason.__cause__ or reason.__context__
    return ClusterMissingError(f"no Ray cluster answers at {address} ({type(error).__name__})")


def refused(answer: httpx.Response, address: str) -> SievertError:
    """Of an answer that is no success; its text may be a traceback, and is not repeated."""
    date = answer.headers.get("date")
    if answer.status_code == _UNAUTHORIZED:
        return or_clock(CredentialsError(f"the cluster at {address} wants a token, and none was given"), date)
    if answer.status_code == _FORBIDDEN:
        return or_clock(CredentialsError(f"the cluster at {address} does not take this token: wrong, or expired"), date)
    if answer.status_code == _MISSING:
        return JobMissingError(f"the cluster at {address} has no such job")
    if answer.status_code >= _BROKEN:
        return ClusterMissingError(f"the cluster at {address} cannot answer now ({answer.status_code})")
    return SubmissionError(f"the cluster at {address} refuses ({answer.status_code})")


def require_ray(answer: httpx.Response, address: str, needed: str) -> None:
    """Whether who answers is a Ray that runs this Sievert.

    Args:
        answer: To `/api/version`.
        address: Whose.
        needed: Ray's release here.

    Raises:
        AddressError: It is no Ray.
        OldRayError: It is another.
    """
    try:
        theirs = str(answer.json()["ray_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise AddressError(f"something else than Ray's dashboard answers at {address}") from error
    if release(theirs) != release(needed):
        raise OldRayError(f"the cluster at {address} runs Ray {theirs}, this Sievert needs {needed}")


def release(version: str) -> tuple[str, ...]:
    """`2.60.0` → (`2`, `60`): clients and servers of one are compatible."""
    return tuple(version.split(".")[:2])
