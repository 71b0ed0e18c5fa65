"""Whatever is in a table for analytics stands for several patients, and for none by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.results.opening import open_records
from pipelines.results.tabling import COLUMNS, anonymise, export_table, gather
from sievert.cli.main import run
from sievert.errors import ConfigError, NothingAdmittedError
from tests.jobs import Job

RECORDS = st.builds(
    lambda patient, modality, part, decision, probability: {
        "patient": f"patient {patient}",
        "modality": modality,
        "body_part": part,
        "model": {"digest": "d"},
        "decision": decision,
        "probability": probability,
    },
    st.integers(0, 12),
    st.sampled_from(["DX", "CR"]),
    st.sampled_from(["CHEST", "HAND", "SKULL"]),
    st.sampled_from(["positive", "negative"]),
    st.floats(0, 1),
)


@settings(max_examples=200, deadline=None)
@given(records=st.lists(RECORDS, max_size=60), k=st.integers(2, 6))
def test_every_combination_stands_for_k_patients_or_is_not_there(records: list[dict[str, Any]], k: int) -> None:
    frame = gather(records)
    try:
        made = anonymise(frame, k=k)
    except NothingAdmittedError:
        assert frame["patient"].nunique() < k or made_of_rare(frame, k)
        return
    assert list(made.rows.columns) == list(COLUMNS)
    assert len(made.rows) + made.left_out == len(records)
    told = with_patients(frame, made.steps, made.hidden).fillna(-1)
    patients = told.groupby(list(COLUMNS))["patient"].nunique().to_dict()
    for values, count in made.rows.fillna(-1).groupby(list(COLUMNS)).size().items():
        assert min(count, patients[values]) >= k


def made_of_rare(frame: pd.DataFrame, k: int) -> bool:
    """Even what is left when all that can be hidden is hidden."""
    return bool((frame.groupby(["model", "decision"])["patient"].nunique() < k).all())


def with_patients(frame: pd.DataFrame, steps: int, hidden: tuple[str, ...]) -> pd.DataFrame:
    rows = frame.copy()
    for name in hidden:
        rows[name] = "any"
    lower = [min(int(value * steps), steps - 1) / steps if steps else float("nan") for value in rows["probability"]]
    return rows.assign(probability_from=lower)


def record(patient: int, probability: float = 0.3, part: str = "CHEST") -> dict[str, Any]:
    return {
        "patient": f"patient {patient}", "modality": "DX", "body_part": part, "model": {"digest": "d"},
        "decision": "negative", "probability": probability,
    }  # fmt: skip


def test_many_images_of_one_patient_are_still_one_patient() -> None:
    with pytest.raises(NothingAdmittedError):
        anonymise(gather([record(1) for _ in range(50)]), k=2)


def test_values_are_told_as_finely_as_patients_allow() -> None:
    alike = gather([record(number) for number in range(10)])
    assert anonymise(alike, k=5).steps == 10
    spread = gather([record(number, number / 10) for number in range(10)])
    assert (anonymise(spread, k=5).steps, anonymise(spread, k=5).left_out) == (2, 0)
    parts = gather([record(number, part=str(number)) for number in range(10)])
    assert anonymise(parts, k=5).hidden == ("body_part",)


def test_what_is_rare_is_left_out_and_counted() -> None:
    made = anonymise(gather([*(record(number) for number in range(40)), record(99, part="HAND")]), k=5)
    assert (len(made.rows), made.left_out, made.hidden) == (40, 1, ())


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_table_says_on_whose_word_it_was_made_and_nothing_of_anybody(
    copy_of_finished: Job, tmp_path: Path, suffix: str
) -> None:
    job, to = copy_of_finished, tmp_path / f"table{suffix}"
    records = list(open_records(job.out, job.keys))
    export_table(records, to, k=3, consent="the board, for a report", job="a" * 64, keys=job.keys)
    content = to.read_bytes()
    for one in records:
        for name in ("patient", "record", "source", "content_sha256"):
            assert one[name].encode() not in content
    if suffix == ".csv":
        about = json.loads(content.splitlines()[0][2:])
    else:
        about = json.loads(pq.read_schema(to).metadata[b"sievert"])
    assert (about["consent"], about["k"]) == ("the board, for a report", 3)
    assert "the board, for a report" in (job.settings.store.keys / "audit.jsonl").read_text()


def test_without_consent_or_with_another_suffix_nothing_is_written(copy_of_finished: Job, tmp_path: Path) -> None:
    job = copy_of_finished
    for to, consent in ((tmp_path / "t.parquet", "  "), (tmp_path / "t.xlsx", "yes")):
        with pytest.raises(ConfigError):
            export_table([], to, k=3, consent=consent, job="a" * 64, keys=job.keys)
        assert not to.exists()


def test_the_command_tells_how_much_it_left_out(
    copy_of_finished: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, to = copy_of_finished, tmp_path / "table.parquet"
    words = ["export-table", job.out.path, "--to", to, "--consent", "the board", "--keys", job.settings.store.keys]
    assert run([str(word) for word in words]) == 0
    assert "5 patients or more" in capsys.readouterr().out
    assert run([str(word) for word in (*words, "--k", 1000)]) == NothingAdmittedError.exit_code
