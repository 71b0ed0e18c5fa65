"""A running Ray cluster, by its Jobs API.

https://docs.ray.io/en/releases-2.60.0/cluster/running-applications/job-submission/rest.html. Ray's own client waits for
a silent address for minutes, and needs all of Ray to be imported; the API is four requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from cluster.submission.carried import pack
from cluster.submission.nouns import Job, State, Trouble
from cluster.submission.raytrouble import refused, require_ray, told
from sievert.errors import (
    AddressError,
    ClusterMissingError,
    CredentialsError,
    JobMissingError,
    SievertError,
    SubmissionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cluster.submission.nouns import Submission
    from cluster.submission.parcel import Parcel

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
TOKEN_VARIABLE, TOKEN_FILE_VARIABLE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
TIMEOUT_S = 8.0
TRIES, AGAIN_S = 3, 2.0
"""At making a job."""
MAKING_S = 60.0
"""A cluster that has just been started, and answers, takes its time for its first job."""
_DIGEST, _COMMAND = "sievert_submission", "sievert_command"
_STATES = {"PENDING": State.WAITING, **{state.name: state for state in State}}
_MISSING = 404


class RayJobs:
    """Jobs of one cluster.

    Args:
        address: Of its dashboard, over http or https.
        token: Where it asks for one.
        patience_s: How long a job may wait for room.
        away_s: How long the cluster may not answer.
        parcel: A Sievert that goes along with each job; None: the cluster's own is used.
    """

    def __init__(
        self,
        address: str,
        token: str | None,
        *,
        patience_s: float = 600,
        away_s: float = 900,
        parcel: Parcel | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.patience_s, self.away_s, self._parcel = patience_s, away_s, parcel

    def check(self) -> None:
        """Whether a Ray of our release answers, and takes our token; the version alone it would tell anybody.

        Raises:
            SubmissionError: It does not.
        """
        answer = self._ask("GET", "/api/version", missing=AddressError(f"no Ray dashboard is at {self._address}"))
        require_ray(answer, self._address, version("ray"))

    def create(self, name: str, submission: Submission) -> bool:
        """Make the job; of two at once, Ray takes one."""
        body = {
            "entrypoint": pack(submission.arguments),
            "submission_id": name,
            "metadata": {_DIGEST: submission.digest, _COMMAND: json.dumps(submission.arguments)},
            "runtime_env": {"env_vars": {"PYTHONUNBUFFERED": "1"}, **self._sent()},
        }
        for left in reversed(range(TRIES)):
            try:
                self._ask("POST", "/api/jobs/", body)
            except ClusterMissingError:
                # Ray says of a name that is taken what it says of everything, and while it starts: 500
                with contextlib.suppress(JobMissingError, ClusterMissingError):
                    self.job(name)
                    return False
                if not left:
                    raise
                time.sleep(AGAIN_S)
            else:
                break
        return True

    def _sent(self) -> dict[str, Any]:
        """What a job's environment says of the parcel, once the cluster has it."""
        if self._parcel is None:
            return {}
        self._ask("PUT", f"/api/packages/gcs/{self._parcel.name}", content=self._parcel.content)
        return {"py_modules": [self._parcel.uri]}

    def jobs(self) -> list[Job]:
        """Those of ours."""
        found = [_job(one) for one in self._read("/api/jobs/") if (one.get("metadata") or {}).get(_DIGEST)]
        return sorted(found, key=lambda job: job.began)

    def job(self, name: str) -> Job:
        """One."""
        return _job(self._read(f"/api/jobs/{name}"))

    def log(self, name: str) -> Iterator[str]:
        """What there is of it: polled, as the web socket of Ray 2.60 sent nothing for a job behind a token."""
        with contextlib.suppress(SievertError):  # a cut connection is taken up again, and the job says how it is
            yield str(self._read(f"/api/jobs/{name}/logs").get("logs") or "")

    def stop(self, name: str) -> None:
        """Ask for its end: SIGTERM, then SIGKILL after three seconds."""
        self._ask("POST", f"/api/jobs/{name}/stop")

    def trouble(self, name: str) -> Trouble | None:
        """What Ray says of a job that waits."""
        message = self.job(name).message
        return (
            Trouble(SubmissionError(message, remedy="See the cluster's dashboard."), hopeless=False)
            if message
            else None
        )

    def _read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._ask("GET", path)
        try:
            return answer.json()
        except ValueError as error:
            raise AddressError(f"something else than Ray's dashboard answers at {self._address}") from error

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content: bytes | None = None,
        missing: SubmissionError | None = None,
    ) -> httpx.Response:
        makes = body is not None or content is not None
        limit = httpx.Timeout(TIMEOUT_S, read=MAKING_S if makes else TIMEOUT_S)
        try:
            answer = httpx.request(
                method,
                self._address + path,
                json=body,
                content=content,
                headers=self._headers,
                timeout=limit,
                follow_redirects=False,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise told(error, self._address) from error
        if missing and not answer.is_success and answer.status_code == _MISSING:
            raise missing
        if not answer.is_success:
            raise refused(answer, self._address)
        return answer


def find_token(environment: Mapping[str, str] | None = None) -> str | None:
    """Where Ray itself looks: the variable, the file that another names, `~/.ray/auth_token`.

    Raises:
        CredentialsError: The file that is named cannot be read, or the token is none.
    """
    environment = os.environ if environment is None else environment
    if found := environment.get(TOKEN_VARIABLE, "").strip():
        return _checked(found)
    named = environment.get(TOKEN_FILE_VARIABLE)
    file = Path(named).expanduser() if named else Path.home() / ".ray" / "auth_token"
    try:
        return _checked(file.read_text("utf-8").strip()) or None
    except (OSError, UnicodeDecodeError) as error:
        if not named:
            return None
        raise CredentialsError(f"the file that {TOKEN_FILE_VARIABLE} names cannot be read") from error


def _checked(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CredentialsError("the token is more than one line of plain signs")
    return token


def _job(told: Mapping[str, Any]) -> Job:
    metadata = told.get("metadata") or {}
    state = _STATES.get(told["status"], State.RUNNING)
    message = (told.get("message") or "").partition("\n")[0]
    began = datetime.fromtimestamp((told.get("start_time") or 0) / 1000, UTC).isoformat(timespec="seconds")
    command = tuple(json.loads(metadata.get(_COMMAND, "[]")))
    code = told.get("driver_exit_code")
    name = str(told.get("submission_id") or told.get("job_id"))
    return Job(name, metadata.get(_DIGEST, ""), command, state, code, message, began)
