from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from httpx import Client

from pipelines.notify.notifier import open_notifier
from pipelines.notify.queuefile import queue_place
from pipelines.notify.route import Route
from pipelines.results.audit import AuditLog
from pipelines.results.cases import most_urgent
from pipelines.results.outfolder import read_job
from serve.page.standing import Deed
from sievert.errors import DiskFullError
from sievert.settings import NotifySettings
from tests.notices import Ear
from tests.worklist import Desk, open_desk, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx import Response

    from tests.jobs import Job


@pytest.fixture
def desk(finished: Job, tmp_path: Path) -> Iterator[Desk]:
    made = open_desk(finished.out.path, finished.keys, finished.ledger, tmp_path / "state")
    yield made
    made.reviews.close()


@pytest.fixture
def client(desk: Desk) -> Iterator[Client]:
    with served(desk.app) as address, Client(base_url=address) as asking:
        yield asking


def get(client: Client, where: str, who: str = "ada") -> Response:
    return client.get(where, headers={"x-who": who})


def first(client: Client) -> str:
    case: dict[str, Any] = get(client, "/v1/cases").json()["cases"][0]
    return f"{case['job']}/{case['record']}"


def review(client: Client, case: str, who: str = "ada", **said: Any) -> Response:  # noqa: ANN401 - what is wrong on purpose, too
    body = {"deed": "acknowledge", "seen": 0, **said}
    return client.post(f"/v1/cases/{case}/reviews", json=body, headers={"x-who": who})


def log_of(job: Job) -> list[dict[str, Any]]:
    return [json.loads(line) for line in AuditLog(job.keys.folder).lines()]


def test_nobody_sees_anything_without_having_signed_in(client: Client) -> None:
    case = first(client)
    for where in ("/", f"/cases/{case}", f"/cases/{case}/picture", f"/v1/cases/{case}", "/v1/cases", "/audit"):
        assert get(client, where, who="").status_code == 401, where


@pytest.mark.parametrize(
    ("who", "where", "code"),
    [
        ("rita", "/", 200),
        ("rita", "/audit", 403),
        ("rita", "/v1/cases/labels", 403),
        ("otto", "/audit", 200),
        ("otto", "/v1/cases", 403),
        ("otto", "/", 303),
        ("sub", "/", 403),
        ("root", "/audit", 200),
    ],
)
def test_roles_decide_what_is_seen(client: Client, who: str, where: str, code: int) -> None:
    assert get(client, where, who).status_code == code


def test_a_reader_cannot_review(client: Client, desk: Desk) -> None:
    case = first(client)
    assert review(client, case, "rita").status_code == 403
    assert 'id="acknowledge"' not in get(client, f"/cases/{case}", "rita").text
    assert desk.reviews.history(*case.split("/")) == []


def test_every_page_forbids_foreign_and_inline_code_and_is_kept_nowhere(client: Client) -> None:
    case = first(client)
    for where in ("/", f"/cases/{case}", "/audit"):
        answer = get(client, where, "root")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert answer.headers["cache-control"] == "no-store"
        assert " style=" not in answer.text
        assert "<script>" not in answer.text
        assert " onclick=" not in answer.text


def test_a_view_is_in_the_audit_log_with_who_asked(client: Client, finished: Job) -> None:
    case = first(client)
    before = len(log_of(finished))
    get(client, f"/cases/{case}", "bob")
    entry = log_of(finished)[before]
    assert (entry["what"], entry["who"], entry["about"]["record"]) == ("viewed", "bob", case.split("/")[1])


def test_a_view_that_cannot_be_logged_is_not_shown(client: Client, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = first(client)

    def refuse(*_: object, **__: object) -> None:
        raise DiskFullError("no space")

    monkeypatch.setattr(AuditLog, "append", refuse)
    opened: list[object] = []
    monkeypatch.setattr(desk.book, "open", opened.append)
    for where in (f"/cases/{case}", f"/cases/{case}/picture", f"/v1/cases/{case}", "/"):
        assert get(client, where).status_code == 503, where
    assert opened == []


def test_the_picture_has_the_grey_values_that_were_screened(client: Client, finished: Job) -> None:
    truth = most_urgent(finished.out, finished.keys, 1)
    case = first(client)
    answer = get(client, f"/cases/{case}/picture")
    kind = np.dtype("<u2" if answer.headers["x-bits"] == "16" else "u1")
    pixels = np.frombuffer(answer.content, kind).reshape(
        int(answer.headers["x-rows"]), int(answer.headers["x-columns"])
    )
    assert truth[0].record == case.split("/")[1]
    assert truth[0].image is not None
    assert np.array_equal(pixels, truth[0].image)
    assert get(client, f"/cases/{case}/preview.png").content.startswith(b"\x89PNG")


def test_a_quarantined_case_has_its_reason_and_advice_and_no_picture(client: Client) -> None:
    case = get(client, "/v1/cases?urgency=quarantined").json()["cases"][0]
    where = f"/cases/{case['job']}/{case['record']}"
    page = get(client, where).text
    assert case["reason"] in page
    assert "Not screened" in page
    assert get(client, f"{where}/picture").status_code == 404


def test_what_one_did_is_told_to_the_other_who_comes_later(client: Client) -> None:
    case = first(client)
    assert review(client, case, "ada").json() == {"version": 1, "state": "acknowledged", "assignee": ""}
    late = review(client, case, "bob", deed="disagree", reason="nothing-there")
    assert late.status_code == 409
    assert (late.json()["detail"]["who"], late.json()["detail"]["deed"]) == ("ada", "acknowledge")
    form = client.post(f"/cases/{case}/reviews", data={"deed": "acknowledge", "seen": "0"}, headers={"x-who": "bob"})
    assert form.status_code == 409
    assert "ada" in form.text
    assert 'name="seen" value="1"' in form.text


@pytest.mark.parametrize(
    "said",
    [
        {"deed": "disagree"},
        {"deed": "disagree", "reason": "other", "label": "no label of the model"},
        {"deed": "destroy"},
        {"deed": "disagree", "reason": "because"},
        {"seen": -1},
        {"text": "x" * 5000},
    ],
)
def test_what_makes_no_review_is_refused_and_nothing_is_kept(client: Client, desk: Desk, said: dict[str, Any]) -> None:
    case = first(client)
    assert review(client, case, **said).status_code == 422
    assert desk.reviews.history(*case.split("/")) == []


def test_a_disagreement_is_exported_as_a_label(client: Client) -> None:
    case = first(client)
    review(client, case, deed="disagree", reason="missed-finding", label="pneumonia", text="left apex")
    (label,) = get(client, "/v1/cases/labels").json()
    assert (label["record"], label["label"], label["note"]) == (case.split("/")[1], "pneumonia", "left apex")


def test_the_json_twin_shows_the_record_and_not_where_the_file_lies(client: Client) -> None:
    case = first(client)
    review(client, case, deed="assign", assignee="bob")
    told = get(client, f"/v1/cases/{case}").json()
    assert told["record"]["decision"] == told["summary"]["urgency"]
    assert "source" not in told["record"]["identity"]
    assert [entry["deed"] for entry in told["history"]] == [Deed.ASSIGN]
    assert get(client, "/v1/cases?state=mine", "bob").json()["total"] == 1


@pytest.mark.parametrize(
    "where", ["/cases/x/y", "/v1/cases/0a/0b", "/v1/cases/0a/0b/verification", "/cases/x/y/picture"]
)
def test_a_case_that_is_none_is_not_found(client: Client, where: str) -> None:
    assert get(client, where).status_code == 404


@pytest.mark.parametrize("asked", ["sort=id;drop", "page=0", "size=100000", "order=sideways", "since=yesterday"])
def test_a_query_that_makes_no_sense_is_refused(client: Client, asked: str) -> None:
    assert get(client, f"/v1/cases?{asked}").status_code == 422


def test_a_record_that_no_longer_opens_is_a_page_that_says_so(copy_of_finished: Job, tmp_path: Path) -> None:
    desk = open_desk(copy_of_finished.out.path, copy_of_finished.keys, copy_of_finished.ledger, tmp_path / "state")
    with served(desk.app) as address, Client(base_url=address) as client:
        case = first(client)
        for file in copy_of_finished.out.results.iterdir():
            file.write_bytes(b"gone")
        page = get(client, f"/cases/{case}")
        assert page.status_code == 200
        assert "cannot be opened" in page.text
        assert get(client, f"/v1/cases/{case}/verification").json()["state"] == "tampered"
    desk.reviews.close()


@pytest.fixture
def told_of(finished: Job) -> Iterator[Callable[[], int]]:
    """Tells an ear of the job; returns how many notices are escalated unless somebody answers."""
    file = queue_place(finished.keys.folder, read_job(finished.out).job)
    settings = NotifySettings(rules=[{"urgency": "urgent"}])

    def tell() -> int:
        with open_notifier(finished.out, finished.keys, settings=settings, routes=[Route(Ear())]) as notifier:
            return notifier.run_once().unanswered

    yield tell
    for rest in file.parent.glob(f"{file.stem}*"):
        rest.unlink()


@pytest.mark.parametrize("said", [{"deed": "acknowledge"}, {"deed": "disagree", "reason": "nothing-there"}])
def test_who_reviews_a_case_need_not_be_asked_again(
    client: Client, told_of: Callable[[], int], said: dict[str, str]
) -> None:
    before = told_of()
    assert before > 1
    assert review(client, first(client), **said).status_code == 200
    assert told_of() == before - 1


def test_a_case_that_is_only_assigned_is_still_asked_about(client: Client, told_of: Callable[[], int]) -> None:
    before = told_of()
    assert review(client, first(client), deed="assign", assignee="bob").status_code == 200
    assert told_of() == before
