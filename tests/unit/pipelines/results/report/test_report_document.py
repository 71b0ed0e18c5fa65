from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from report_page import Page, said
from report_samples import ANCHOR, PATIENT, RECORD, REFUSED_7, SCREENED_37, sample_case, sample_manifest

from pipelines.results.report import render_report
from sievert.errors import IntegrityError
from sievert.records import FAMILIES, Reason, ShardCounts

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def every_kind() -> list[str]:
    return [
        render_report(sample_manifest()),
        render_report(sample_manifest(), anchor=ANCHOR, cases=[sample_case()]),
        render_report(sample_manifest(REFUSED_7, images=7)),
        render_report(sample_manifest(ShardCounts(), images=0, wall_s=0)),
    ]


def test_nothing_is_loaded_from_anywhere_and_the_policy_forbids_it() -> None:
    for html in every_kind():
        page = Page(html)
        assert any(str(attrs.get("content")).startswith(POLICY) for tag, attrs in page.tags if tag == "meta")
        assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
        named = [str(value) for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href"}]
        assert all(value.startswith("data:image/png;base64,") for value in named)
        assert "://" not in html
        assert "@import" not in html


def test_every_element_is_closed_and_no_id_is_given_twice() -> None:
    for html in every_kind():
        page = Page(html)
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert page.open == []
        assert len(ids) == len(set(ids))
        pointed_at = {str(attrs["aria-labelledby"]) for _, attrs in page.tags if "aria-labelledby" in attrs}
        assert pointed_at <= set(ids)


def test_a_report_without_cases_holds_no_id_and_no_picture() -> None:
    html = render_report(sample_manifest(), anchor=ANCHOR)
    assert re.findall(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", html) == []
    assert "data:image" not in html
    assert "contains patient data" not in html.lower()


def test_a_report_with_cases_opens_with_a_banner_and_names_them() -> None:
    html = render_report(sample_manifest(), cases=[sample_case()])
    text = said(html)
    assert text.index("This file contains patient data") < text.index("Planned") < text.index(RECORD)
    assert PATIENT in text
    assert "Delete it, and every copy" in text


def test_markup_in_values_is_shown_and_not_obeyed() -> None:
    html = render_report(
        sample_manifest(model="<script>alert(1)</script>"),
        anchor=ANCHOR | {"note": "<img src=x>", "ledger": '"><b>'},
        cases=[sample_case(reason="<i>why</i>")],
    )
    assert "<script" not in html
    assert "<img src=x" not in html
    assert '"><b>' not in html
    assert "<i>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_four_outcomes_stand_beside_the_planned_number_and_are_said_to_add_up() -> None:
    text = said(render_report(sample_manifest()))
    assert "Screened: negative The model" in text
    assert "Planned: the four add up to it 37 100 %" in text
    assert "contradict" not in text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"screened": 25}, "Screened and quarantined add up to 36, but 37 are planned."),
        ({"decisions": {"negative": 17}}, "Positive and uncertain add up to 0, but 9 are flagged."),
        ({"reasons": {}}, "The reasons of quarantine add up to 0, but 11 are quarantined."),
        ({"histogram": [1] * 20}, "The probabilities counted add up to 20, but 26 are screened."),
    ],
)
def test_counts_that_contradict_one_another_raise_an_alarm(changed: dict[str, Any], sentence: str) -> None:
    text = said(render_report(sample_manifest(replace(SCREENED_37, **changed))))
    assert "The counts contradict one another" in text
    assert sentence in text
    assert "add up to it" not in text


def test_a_job_that_admitted_nothing_says_so_and_draws_no_empty_chart() -> None:
    html = render_report(sample_manifest(REFUSED_7, images=7))
    text = said(html)
    assert "Preprocessed data is empty: every input was quarantined" in text
    assert "No image was screened, so there is no probability to show." in text
    assert "Histogram of" not in html
    assert not re.search(r"\b(nan|inf)\b", text.lower())
    assert "none screened" in text


def test_a_run_that_only_finished_an_earlier_one_claims_no_speed() -> None:
    text = said(render_report(sample_manifest(images=0, wall_s=0)))
    assert "Images/s \N{EN DASH}" in text
    assert "none: earlier runs had finished all shards" in text


def test_quarantine_names_families_and_in_each_the_commonest_reason_first() -> None:
    text = said(render_report(sample_manifest()))
    assert f"{FAMILIES['format']} 4 10.8 %" in text
    assert f"{Reason.FORMAT_UNKNOWN.explanation} format.unknown 3 8.1 %" in text
    assert text.index("format.unknown") < text.index("format.truncated") < text.index(FAMILIES["compliance"])
    assert FAMILIES["features"] not in text


def test_a_stage_that_is_not_known_is_timed_like_the_others() -> None:
    text = said(render_report(sample_manifest()))
    assert "polish 0.010 0.27 0.8 %" in text
    assert text.index("read bytes") < text.index("admit decode") < text.index("predict the network")


def test_without_an_anchor_the_report_says_where_root_and_transaction_stand() -> None:
    text = said(render_report(sample_manifest()))
    assert "this file lies under that root itself" in text
    assert "Root and transaction stand in anchor.json; sievert verify checks" in text


def test_an_anchor_is_shown_with_its_time_and_what_a_local_ledger_is_worth() -> None:
    text = said(render_report(sample_manifest(), anchor=ANCHOR))
    for fact in ("Ledger embedded", "Chain id 20261", "Block 12", "Time 2026-11-23 15:54:40 UTC", ANCHOR["note"]):
        assert fact in text
    for fact in ("contract", "transaction", "root", "sender"):
        assert ANCHOR[fact] in text


def test_provenance_names_digests_settings_versions_and_the_recipient() -> None:
    manifest = sample_manifest()
    text = said(render_report(manifest))
    header = manifest["header"]
    for fact in (manifest["job"], manifest["input_sha256"], header["plan"], header["recipe"], header["recipient"]):
        assert fact in text
    assert header["model"]["digest"] in text
    assert "Positive from a probability of 0.770" in text
    assert "min side (px) 64" in text
    assert f"cryptography {manifest['versions']['cryptography']}" in text


def test_the_limits_of_the_results_are_stated_with_the_models_name() -> None:
    text = said(render_report(sample_manifest(model="hip-9")))
    assert "Decision support, no diagnosis by a physician." in text
    assert "the demonstration model “hip-9”, version 0.3.0" in text


def test_the_same_manifest_gives_the_same_text() -> None:
    assert render_report(sample_manifest()) == render_report(sample_manifest())


@pytest.mark.parametrize(
    "damage", [{"schema": "other/1"}, {"counts": {}}, {"header": None}, {"run": {"finished": "?"}}]
)
def test_a_manifest_that_is_not_ours_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        render_report(sample_manifest() | damage)


def test_the_default_report_loads_no_drawing_library_and_no_ray() -> None:
    program = (
        "import json, sys; from pipelines.results.report import render_report; render_report(json.load(sys.stdin)); "
        "sys.exit(', '.join({'cv2', 'matplotlib', 'ray', 'torch', 'PIL'} & set(sys.modules)) or 0)"
    )
    manifest, path = json.dumps(sample_manifest()), {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], input=manifest, text=True, env=path, check=False)
    assert done.returncode == 0
