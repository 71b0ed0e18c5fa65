"""Makes the RayJob of a nightly screening from the chart's template, and stays until it has ended.

The chart's CronJob runs it, as `python -m cluster.nightly TEMPLATE …`: its own end is the run's, so whoever watches
Jobs sees a failed night. Started again for the same run, it follows the RayJob that is there already.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from sievert.errors import ClusterError, ConfigError, SievertError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

KIND = ("ray.io", "v1")
PLURAL = "rayjobs"
LONGEST_NAME = 47
SUFFIX = "-ray"
"""KubeRay submits a RayJob with a Job of the RayJob's own name, so the Job that makes it has another."""
ENDED = frozenset({"Complete", "Failed"})
ROUND_S = 240
"""How long one watch lasts; proxies cut longer ones."""
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_CONFLICT, _GONE = 409, 404


@dataclass(frozen=True, slots=True)
class Run:
    """One night.

    Attributes:
        job: The Job that makes the RayJob; results are called after it.
        namespace: Where both are.
        owner: The Job's uid; when the Job's history ends, so does the RayJob. Empty: none.
    """

    job: str
    namespace: str
    owner: str

    @property
    def name(self) -> str:
        """The RayJob's."""
        return self.job + SUFFIX


def fill_template(template: str, run: Run, today: date) -> dict[str, Any]:
    """The RayJob of a run.

    Args:
        template: YAML of a RayJob; in its entrypoint, `{run}`, `{today}` and `{yesterday}` are filled in.
        run: The run.
        today: The date where the hospital is.

    Raises:
        ConfigError: The name cannot be a RayJob's, which KubeRay would say nowhere but in the job's status.
    """
    if not _NAME.fullmatch(run.name) or len(run.name) > LONGEST_NAME:
        raise ConfigError(
            f"a RayJob cannot be called {run.name}",
            remedy="Give the Job a name that begins with a letter and has small letters, digits and hyphens, "
            f"at most {LONGEST_NAME - len(SUFFIX)}.",
        )
    words = {"{run}": run.job, "{today}": f"{today:%Y%m%d}", "{yesterday}": f"{today - timedelta(days=1):%Y%m%d}"}
    body: dict[str, Any] = yaml.safe_load(template)
    body["metadata"] |= {"name": run.name, "namespace": run.namespace}
    body["spec"]["entrypoint"] = _filled(body["spec"]["entrypoint"], words)
    if run.owner:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": run.job, "uid": run.owner}
        body["metadata"]["ownerReferences"] = [owner]
    return body


def run_and_follow(api: Any, body: dict[str, Any]) -> str:  # noqa: ANN401 - the client ships no types
    """Make the RayJob, or find the one of this name, and wait for its end.

    Args:
        api: The client's `CustomObjectsApi`.
        body: The RayJob.

    Returns:
        How Ray says it ended: `SUCCEEDED`, `FAILED`, `STOPPED`, or what KubeRay says where Ray has said nothing.

    Raises:
        ClusterError: The API server refuses or does not answer, another run is under way, or the RayJob was deleted.
    """
    try:
        _require_alone(api, body)
        _create(api, body)
        return _follow(api, body["metadata"]["namespace"], body["metadata"]["name"])
    except SievertError:
        raise
    except Exception as error:
        raise ClusterError(_told(error), remedy="See `kubectl get events`, and the Role of the nightly job.") from error


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _require_alone(api: Any, body: dict[str, Any]) -> None:  # noqa: ANN401 - the client ships no types
    """A run of the night before may still be going, though who followed it has died."""
    labels = ",".join(f"{name}={value}" for name, value in body["metadata"]["labels"].items() if "kueue" not in name)
    found = api.list_namespaced_custom_object(*KIND, body["metadata"]["namespace"], PLURAL, label_selector=labels)
    going = [job["metadata"]["name"] for job in found["items"] if _state(job) not in ENDED]
    if others := sorted(set(going) - {body["metadata"]["name"]}):
        raise ClusterError(f"the run {others[0]} is still under way", remedy="Wait for it, or delete that RayJob.")


def _create(api: Any, body: dict[str, Any]) -> None:  # noqa: ANN401 - the client ships no types
    try:
        api.create_namespaced_custom_object(
            *KIND, body["metadata"]["namespace"], PLURAL, body, field_validation="Strict"
        )
    except Exception as error:
        if getattr(error, "status", None) != _CONFLICT:
            raise


def _follow(api: Any, namespace: str, name: str) -> str:  # noqa: ANN401 - the client ships no types
    from kubernetes.watch import Watch

    job = api.get_namespaced_custom_object(*KIND, namespace, PLURAL, name)
    while _state(job) not in ENDED:
        changes = Watch().stream(
            api.list_namespaced_custom_object,
            *KIND,
            namespace,
            PLURAL,
            field_selector=f"metadata.name={name}",
            resource_version=job["metadata"]["resourceVersion"],
            timeout_seconds=ROUND_S,
        )
        next((change for change in changes if _state(change["object"]) in ENDED), None)
        job = api.get_namespaced_custom_object(*KIND, namespace, PLURAL, name)
    return str(job["status"].get("jobStatus") or job["status"].get("reason") or _state(job))


def _state(job: dict[str, Any]) -> str:
    return str(job.get("status", {}).get("jobDeploymentStatus", ""))


def _told(error: Exception) -> str:
    """In one line; bodies of answers stay away from logs."""
    status = getattr(error, "status", None)
    if status == _GONE:
        return "the RayJob is gone: somebody deleted it"
    if status:
        return f"the API server refused ({status} {getattr(error, 'reason', '')})".rstrip()
    return f"the API server does not answer ({type(error).__name__})"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program: 0 where the run succeeded, 1 where it did not, an error's exit code where that cannot be said."""
    parser = argparse.ArgumentParser(prog="cluster.nightly", description=__doc__)
    parser.add_argument("template", type=Path)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--job", required=True)
    parser.add_argument("--owner", default="")
    parser.add_argument("--time-zone", type=_zone, default=ZoneInfo("UTC"))
    told = parser.parse_args(arguments)
    run = Run(told.job, told.namespace, told.owner)
    try:
        body = fill_template(told.template.read_text("utf-8"), run, datetime.now(UTC).astimezone(told.time_zone).date())
        ended = run_and_follow(_connected(), body)
    except SievertError as error:
        sys.stderr.write(f"error: {error.message}. {error.remedy}\n")
        return error.exit_code
    sys.stderr.write(f"{run.name}: {ended}\n")
    return 0 if ended == "SUCCEEDED" else 1


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{name} is no time zone") from error


def _connected() -> Any:  # noqa: ANN401 - the client ships no types
    """With the service account's own token, which the client reads anew when it changes."""
    from kubernetes import client, config

    try:
        config.load_incluster_config()
    except config.ConfigException as error:
        raise ConfigError(
            "this is no pod of a Kubernetes cluster with a service account's token",
            remedy="The chart's CronJob runs it; by hand: `kubectl create job --from=cronjob/NAME-nightly RUN`.",
        ) from error
    return client.CustomObjectsApi()


if __name__ == "__main__":
    sys.exit(main())
