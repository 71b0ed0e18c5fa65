"""What an API server's refusal, or what pods and events say, means to who asked; each in one line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cluster.submission.clock import certificate_error, or_clock
from cluster.submission.nouns import Trouble
from sievert.errors import (
    AddressError,
    AdmissionRefusedError,
    ClusterMissingError,
    CredentialsError,
    ImageError,
    JobMissingError,
    JobNameError,
    NamespaceError,
    NotAllowedError,
    OldOperatorError,
    QuotaError,
    SievertError,
    SubmissionError,
    UnschedulableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Object = Mapping[str, Any]

PULLING = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_CANNOT = re.compile(r'cannot (\w+) resource "([\w/.]+)"')
_FIELD = re.compile(r'unknown field "([\w.\[\]]+)"|\.?([\w.\[\]]+): field not declared in schema')
_LONGEST = 240
_UNAUTHORIZED, _FORBIDDEN, _MISSING, _TOO_MANY, _BROKEN = 401, 403, 404, 429, 500
_TEXTS: tuple[tuple[str, type[SubmissionError]], ...] = (
    ("exceeded quota", QuotaError),
    ("failed quota", QuotaError),
    ("violates PodSecurity", AdmissionRefusedError),
    ("denied the request", AdmissionRefusedError),
    ("ValidatingAdmissionPolicy", AdmissionRefusedError),
    ("metadata.name: Invalid", JobNameError),
    ("nodes are available", UnschedulableError),
    ("Insufficient", UnschedulableError),
    ("Failed to pull image", ImageError),
)
_LASTING = (AdmissionRefusedError, ImageError, JobNameError)


def translate(error: Exception, namespace: str) -> SievertError:
    """Of whatever the Kubernetes client raised.

    Args:
        error: It.
        namespace: The one that was asked about.
    """
    if isinstance(error, SievertError):
        return error
    status = getattr(error, "status", None)
    if isinstance(status, int) and status:
        date = (getattr(error, "headers", None) or {}).get("Date")
        return or_clock(_refused(status, _message(error), namespace), date if status == _UNAUTHORIZED else None)
    return _unreached(error)


def of_text(text: str) -> SubmissionError | None:
    """What a message of an event, a condition or a refusal means, if it is one that is known."""
    kind = next((kind for words, kind in _TEXTS if words in text), None)
    return kind(_short(text)) if kind else None


def of_pods(pods: Iterable[Object], events: Iterable[Object]) -> Trouble | None:
    """Why pods do not start.

    Args:
        pods: Of the job.
        events: Of the job, its cluster and its pods; the newest last.
    """
    found = [error for pod in pods for error in (_of_pod(pod),) if error]
    found += [error for event in events for error in (of_text(event.get("message", "")),) if error]
    found.sort(key=lambda error: not isinstance(error, _LASTING))
    return Trouble(found[0], hopeless=isinstance(found[0], _LASTING)) if found else None


def _of_pod(pod: Object) -> SubmissionError | None:
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in PULLING:
            return ImageError(f"the image {container.get('image', '')} cannot be pulled ({waiting['reason']})")
        if waiting.get("reason") == "CreateContainerConfigError":
            return SubmissionError(_short(f"a pod cannot be made: {waiting.get('message', '')}"))
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return UnschedulableError(_short(f"no node can take a pod: {condition.get('message', '')}"))
    return None


def _refused(status: int, text: str, namespace: str) -> SievertError:
    if status == _UNAUTHORIZED:
        return CredentialsError("the API server does not know who asks: the credentials are wrong or expired")
    if known := of_text(text):
        return known
    if field := _FIELD.search(text):
        return OldOperatorError(f"KubeRay's kinds there do not know `{field[1] or field[2]}`: they are too old")
    if status == _MISSING:
        return _missing(text, namespace)
    return _of_status(status, text, namespace)


def _of_status(status: int, text: str, namespace: str) -> SievertError:
    if status == _FORBIDDEN:
        what = _CANNOT.search(text)
        told = f"you may not {what[1]} {what[2]}" if what else "you may not do this"
        return NotAllowedError(f"{told} in the namespace {namespace}")
    if status == _TOO_MANY or status >= _BROKEN:
        return ClusterMissingError(f"the API server cannot answer now ({status})")
    return SubmissionError(_short(f"the API server refuses ({status}): {text}"))


def _missing(text: str, namespace: str) -> SievertError:
    if text.startswith("namespaces "):
        return NamespaceError(f"there is no namespace {namespace}")
    if text.startswith("configmaps "):
        return NamespaceError(f"no chart's template of a RayJob is in the namespace {namespace}: {_short(text)}")
    if text.startswith("rayjobs"):
        return JobMissingError(f"the namespace {namespace} has no such job")
    if "requested resource" in text or "page not found" in text:
        return OldOperatorError("the API server knows no RayJob: KubeRay is not installed there")
    return AddressError("what answers is no API server of Kubernetes")


def _unreached(error: Exception) -> SievertError:
    text = str(error)
    if known := certificate_error(text):
        return known
    if "CERTIFICATE_VERIFY_FAILED" in text or "WRONG_VERSION_NUMBER" in text or "SSLError" in text:
        return AddressError("no TLS with the API server: its certificate is not of the kubeconfig's authority")
    if type(error).__name__ == "ConfigException":
        return CredentialsError(
            f"the kubeconfig cannot be used: {_short(text)}", remedy="Check KUBECONFIG and `context` of the profile."
        )
    return ClusterMissingError(f"no API server answers ({type(error).__name__})")


def _message(error: Exception) -> str:
    body = getattr(error, "body", None) or ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text


def _short(text: str) -> str:
    """In one line, and no longer than one can read."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
