"""From a profile of the settings to a way to a cluster, with credentials from where each cluster's own tools look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.submission.kubetrouble import translate
from cluster.submission.parcel import pack_sievert
from cluster.submission.rayjobs import DEFAULT_ADDRESS, RayJobs, find_token
from sievert.errors import ConfigError
from sievert.settings import SubmitProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster.submission.nouns import Way


def choose_profile(
    profiles: Mapping[str, SubmitProfile], name: str | None, *, address: str | None, namespace: str | None
) -> SubmitProfile:
    """The profile that is meant: by name, or the only one, or a Ray cluster at the address.

    Raises:
        ConfigError: There is none of this name, or several to choose from.
    """
    if name and name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigError(f"there is no profile `{name}`", remedy=f"Profiles of the settings: {known}.")
    if not name and not address and len(profiles) > 1:
        raise ConfigError("there are several profiles", remedy=f"Say --cluster, one of: {', '.join(sorted(profiles))}.")
    only = next(iter(profiles), None) if not address else None
    chosen = profiles[name] if name else profiles[only] if only else SubmitProfile()
    given = {"address": address, "namespace": namespace}
    chosen = chosen.model_copy(update={key: value for key, value in given.items() if value})
    if chosen.kind == "kuberay" and chosen.address:
        raise ConfigError("a kuberay profile has no address", remedy="The kubeconfig has it; name a `context`.")
    return chosen


def open_way(profile: SubmitProfile, *, ship: bool = False) -> Way:
    """The way of a profile; nothing is asked yet.

    Args:
        profile: The cluster's.
        ship: Whether the Sievert of this machine goes along with jobs.

    Raises:
        CredentialsError: There is no kubeconfig or context, or no token where one is named.
        ConfigError: The Kubernetes client is not installed, or nothing can go along.
    """
    limits = {"patience_s": profile.patience_s, "away_s": profile.away_s}
    if profile.kind == "ray":
        parcel = pack_sievert() if ship else None
        return RayJobs(_with_scheme(profile.address or DEFAULT_ADDRESS), find_token(), **limits, parcel=parcel)
    if ship:
        raise ConfigError("a RayJob runs the Sievert of its image", remedy="Leave --ship out; the chart names images.")
    try:
        import kubernetes.client
    except ImportError as error:
        raise ConfigError(
            "the Kubernetes client is not installed", remedy="pip install 'sievert[kubernetes]'."
        ) from error
    from cluster.submission.kuberay import KubeRay

    client, namespace = _connected(kubernetes.client, profile)
    return KubeRay(client, namespace, profile.template, **limits)


def _connected(kinds: Any, profile: SubmitProfile) -> tuple[Any, str]:  # noqa: ANN401 - the client ships no types
    from kubernetes import config

    settings = kinds.Configuration()
    try:
        config.load_kube_config(context=profile.context, client_configuration=settings)
        contexts, current = config.list_kube_config_contexts()
    except Exception as error:
        raise translate(error, profile.namespace or "default") from error
    settings.retries = False
    meant = next((one for one in contexts if one["name"] == profile.context), current)
    return kinds.ApiClient(settings), profile.namespace or meant["context"].get("namespace") or "default"


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"
