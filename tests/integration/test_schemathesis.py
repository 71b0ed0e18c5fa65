"""All that the OpenAPI documents promise is tried, with requests that keep to them and with ones that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import schemathesis.specs.openapi.schemas  # now: a server that imports meanwhile confuses Python 3.11 (gh-106905)
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from starlette.types import ASGIApp

from tests.jobs import Job
from tests.uvicorns import served
from tests.wholefront import Front, whole_front

ACCEPTED = ["2xx", 401, 403, 404, 409, 429]
OPERATIONS = [
    {
        # JSON Schema cannot say that there are as many numbers as the shape says
        "include-path-regex": "/infer$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, 422]}},
    },
    {
        # nor that a label is one of the model's, or that who disagrees gives a reason
        "include-path-regex": "/reviews$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, 422]}},
    },
]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, finished: Job) -> Iterator[Front]:
    with whole_front(tmp_path_factory.mktemp("front"), finished) as found:
        yield found


def test_the_front_answers_as_its_document_says(front: Front) -> None:
    assert violations(front.app, front.token, examples=10) == []


def test_a_replica_answers_as_its_document_says(front: Front) -> None:
    assert violations(front.model, front.token, examples=20) == []


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(4))
def test_both_answer_as_their_documents_say_for_longer(front: Front, seed: int) -> None:
    assert violations(front.app, front.token, examples=200, seed=seed) == []
    assert violations(front.model, front.token, examples=200, seed=seed) == []


def violations(app: ASGIApp, token: str, *, examples: int, seed: int = 20) -> list[str]:
    """What is not as the document says, each once; every check of Schemathesis, in every phase."""
    found: dict[str, None] = {}
    with served(app) as url:
        headers = {"Authorization": f"Bearer {token}"}
        config = SchemathesisConfig.from_dict(
            {
                "seed": seed,
                "headers": headers,
                "generation": {"mode": "all", "max-examples": examples, "deterministic": seed == 20},
                "operations": OPERATIONS,
            }
        )
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json", headers=headers, config=config)
        for event in from_schema(schema).execute():
            found.update(dict.fromkeys(told_by(event)))
    return list(found)


def told_by(event: Any) -> Iterator[str]:  # noqa: ANN401 - one of many kinds
    if isinstance(event, events.NonFatalError):
        yield repr(event.value)
    elif isinstance(event, events.FatalError):
        yield repr(event.exception)
    elif isinstance(event, events.ScenarioFinished):
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.status == Status.FAILURE and check.failure_info:
                    failure = check.failure_info.failure
                    about = f"{event.recorder.label}: {check.name}: {failure.title}: {failure.message[:300]}"
                    yield f"{about}\n{check.failure_info.code_sample[:4000]}"
