"""A RayJob of KubeRay, made from the chart's template: a Ray cluster of its own for each job."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from cluster.nightly import KIND, PLURAL
from cluster.submission.carried import pack
from cluster.submission.kubetrouble import of_pods, translate
from cluster.submission.nouns import Job, State, Trouble
from sievert.errors import NamespaceError, SievertError, SubmissionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster.submission.nouns import Submission

MANAGER = "sievert-submit"
DIGEST_LABEL, COMMAND_NOTE = "sievert-submission", "sievert-command"
COMPONENT_LABEL = "app.kubernetes.io/component"
TIMEOUT_S = (4.0, 8.0)
"""To connect, and to answer."""
QUIET_S = 30.0
SUBMITTER = "ray-job-submitter"
_APPLY = "application/apply-patch+yaml"
_MADE = 201
_STATES = {"SUCCEEDED": State.SUCCEEDED, "FAILED": State.FAILED, "STOPPED": State.STOPPED}
_EXIT_CODE = re.compile(r"exit code (-?\d+)")


class KubeRay:
    """RayJobs of one namespace.

    Args:
        client: The Kubernetes client's `ApiClient`.
        namespace: Where the chart is.
        template: Its ConfigMap with the template of a RayJob.
        patience_s: How long a job may wait for room.
        away_s: How long the API server may not answer.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - the client ships no types
        namespace: str,
        template: str,
        *,
        patience_s: float = 600,
        away_s: float = 900,
    ) -> None:
        from kubernetes import client as kinds

        self._rayjobs, self._core = kinds.CustomObjectsApi(client), kinds.CoreV1Api(client)
        self._namespace, self._template = namespace, template
        self.patience_s, self.away_s = patience_s, away_s

    def check(self) -> None:
        """Whether the template is there, which also shows that we are known."""
        self._read_template()

    def create(self, name: str, submission: Submission) -> bool:
        """Apply it: who applies the same at the same time makes the same one."""
        body = fill(self._read_template(), name, submission)
        with self._translated():
            answer = self._rayjobs.patch_namespaced_custom_object_with_http_info(
                *KIND,
                self._namespace,
                PLURAL,
                name,
                body,
                field_manager=MANAGER,
                field_validation="Strict",
                _content_type=_APPLY,
                _request_timeout=TIMEOUT_S,
            )
        return bool(answer[1] == _MADE)  # data, status, headers

    def jobs(self) -> list[Job]:
        """Those that were submitted, not the nightly ones."""
        with self._translated():
            found = self._rayjobs.list_namespaced_custom_object(
                *KIND, self._namespace, PLURAL, label_selector=DIGEST_LABEL, _request_timeout=TIMEOUT_S
            )
        return sorted((read_job(one) for one in found["items"]), key=lambda job: job.began)

    def job(self, name: str) -> Job:
        """One."""
        return read_job(self._object(name))

    def log(self, name: str) -> Iterator[str]:
        """What the submitter's pod prints, as it grows; it stays as long as the RayJob does."""
        with contextlib.suppress(Exception):  # a cut connection is taken up again, and the job says how it is
            pods = self._pods(f"batch.kubernetes.io/job-name={name}")
            newest = max(pods, key=lambda pod: pod["metadata"].get("creationTimestamp") or "")["metadata"]["name"]
            answer = self._core.read_namespaced_pod_log(
                newest,
                self._namespace,
                container=SUBMITTER,
                follow=True,
                _preload_content=False,
                _request_timeout=(TIMEOUT_S[0], QUIET_S),
            )
            yield from _lines(answer)

    def stop(self, name: str) -> None:
        """Delete it; pods are given their time to end."""
        with self._translated():
            self._rayjobs.delete_namespaced_custom_object(
                *KIND,
                self._namespace,
                PLURAL,
                name,
                propagation_policy="Background",
                _request_timeout=TIMEOUT_S,
            )

    def trouble(self, name: str) -> Trouble | None:
        """What its pods and the warnings about them say."""
        status = self._object(name).get("status") or {}
        if status.get("jobDeploymentStatus") == "ValidationFailed":
            return Trouble(SubmissionError(f"KubeRay refuses {name}: {status.get('message', '')}"[:300]), hopeless=True)
        cluster = status.get("rayClusterName") or name
        pods = [*self._pods(f"ray.io/cluster={cluster}"), *self._pods(f"batch.kubernetes.io/job-name={name}")]
        found = of_pods(pods, self._warnings(name))
        if found is None and status.get("jobDeploymentStatus") == "Suspended":
            return Trouble(SubmissionError("the queue (Kueue) has not admitted it", remedy=_QUEUE), hopeless=False)
        return found

    def _object(self, name: str) -> dict[str, Any]:
        with self._translated():
            found: dict[str, Any] = self._rayjobs.get_namespaced_custom_object(
                *KIND, self._namespace, PLURAL, name, _request_timeout=TIMEOUT_S
            )
        return found

    def _read_template(self) -> dict[str, Any]:
        with self._translated():
            found = self._core.read_namespaced_config_map(self._template, self._namespace, _request_timeout=TIMEOUT_S)
        try:
            body: dict[str, Any] = yaml.safe_load((found.data or {})["rayjob.yaml"])
        except (KeyError, yaml.YAMLError) as error:
            raise NamespaceError(f"the ConfigMap {self._template} holds no template of a RayJob") from error
        return body

    def _pods(self, selector: str) -> list[dict[str, Any]]:
        with self._translated():
            found = self._core.list_namespaced_pod(
                self._namespace, label_selector=selector, _request_timeout=TIMEOUT_S, _preload_content=False
            )
            return list(json.loads(found.data)["items"])

    def _warnings(self, name: str) -> list[dict[str, Any]]:
        """Those about the job, its cluster and its pods, whose names all begin with the job's."""
        with self._translated():
            found = self._core.list_namespaced_event(
                self._namespace, field_selector="type=Warning", _request_timeout=TIMEOUT_S, _preload_content=False
            )
            events = json.loads(found.data)["items"]
        ours = [event for event in events if str(event["involvedObject"].get("name", "")).startswith(name)]
        return sorted(ours, key=lambda event: event.get("lastTimestamp") or "")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SievertError:
            raise
        except Exception as error:
            raise translate(error, self._namespace) from error


_QUEUE = "See `kubectl describe workload`; others' jobs may be before it."


def fill(template: Mapping[str, Any], name: str, submission: Submission) -> dict[str, Any]:
    """The RayJob of a submission; its pods are those of the nightly run, so that the network lets them.

    It has another component's label itself: the next nightly run would wait for one of its own.
    """
    labels = {**template["metadata"]["labels"], COMPONENT_LABEL: "submitted", DIGEST_LABEL: submission.digest}
    note = {COMMAND_NOTE: json.dumps(submission.arguments)}
    metadata = {**template["metadata"], "name": name, "labels": labels, "annotations": note}
    return {**template, "metadata": metadata, "spec": {**template["spec"], "entrypoint": pack(submission.arguments)}}


def read_job(found: Mapping[str, Any]) -> Job:
    """What a RayJob says of itself."""
    metadata, status = found["metadata"], found.get("status") or {}
    message = " ".join(str(status.get("message") or status.get("reason") or "").split())
    code = _EXIT_CODE.search(message)
    command = json.loads((metadata.get("annotations") or {}).get(COMMAND_NOTE, "[]"))
    return Job(
        name=metadata["name"],
        digest=(metadata.get("labels") or {}).get(DIGEST_LABEL, ""),
        command=tuple(command),
        state=_state(status),
        exit_code=int(code[1]) if code else None,
        message=message,
        began=str(metadata.get("creationTimestamp") or ""),
    )


def _state(status: Mapping[str, Any]) -> State:
    deployed = status.get("jobDeploymentStatus", "")
    if deployed in {"Complete", "Failed"}:
        return _STATES.get(str(status.get("jobStatus")), State.FAILED)
    return State.RUNNING if deployed == "Running" else State.WAITING


def _lines(answer: Any) -> Iterator[str]:  # noqa: ANN401 - urllib3's answer, streamed
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in answer.stream(amt=None, decode_content=False):
        yield decoder.decode(piece)
