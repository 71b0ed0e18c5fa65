"""The OpenAPI documents of the front and of a replica say all that a client has to know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from starlette.types import ASGIApp

from tests.jobs import Job
from tests.wholefront import Front, whole_front

CLOSED = {"400", "401", "403", "413", "415", "429", "503"}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, finished: Job) -> Iterator[Front]:
    with whole_front(tmp_path_factory.mktemp("front"), finished) as found:
        yield found


@pytest.fixture(scope="module", params=["app", "model"])
def document(front: Front, request: pytest.FixtureRequest) -> dict[str, Any]:
    return asyncio.run(fetch(getattr(front, request.param), front.token))


async def fetch(app: ASGIApp, token: str) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as client:
        answer = await client.get("/openapi.json", headers={"Authorization": f"Bearer {token}"})
    return dict(answer.json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_operation_has_a_summary_and_says_how_one_signs_in(document: dict[str, Any]) -> None:
    schemes = set(document["components"]["securitySchemes"])
    assert schemes == {"bearer", "session"}
    for name, operation in operations(document):
        assert operation["summary"], name
        told = {scheme for one in operation.get("security", []) for scheme in one}
        assert told == (set() if name == "get /health" else schemes), name


def test_every_operation_describes_the_problems_that_it_can_answer_with(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if name != "get /health":
            assert set(operation["responses"]) >= CLOSED, name
        for status, response in operation["responses"].items():
            if status >= "4":
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                assert ("Retry-After" in response.get("headers", {})) == (status in {"429", "503"}), (name, status)


def test_every_operation_has_examples_that_keep_to_their_schemas(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["in"] != "path" or parameter["schema"].get("examples"), (name, parameter["name"])
        body = operation.get("requestBody", {}).get("content", {})
        answers = [kind for response in operation["responses"].values() for kind in response.get("content", {}).items()]
        for kind, content in [*body.items(), *answers]:
            if "json" in kind:
                check(document, content, (name, kind))


def check(document: dict[str, Any], content: dict[str, Any], where: tuple[str, str]) -> None:
    schema = {**content["schema"], "components": document["components"]}
    found = [content["example"]] if "example" in content else content["schema"].get("examples", [])
    assert found, where
    for example in found:
        jsonschema_rs.validator_for(schema).validate(example)
