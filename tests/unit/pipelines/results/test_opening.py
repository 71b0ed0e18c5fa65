from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.results.keystore import OpenedKeys
from pipelines.results.opening import open_records
from sievert.errors import IntegrityError, KeyStoreError
from sievert.records import Outcome
from tests.jobs import Job


def test_records_open_in_the_order_of_the_plan(finished: Job) -> None:
    records = list(open_records(finished.out, finished.keys))
    refused = list(open_records(finished.out, finished.keys, outcome=Outcome.QUARANTINED))
    assert sorted(record["index"] for record in [*records, *refused]) == list(range(26))
    assert [record["index"] for record in records] == sorted(record["index"] for record in records)


def test_rows_that_were_dropped_doubled_or_moved_do_not_open_silently(copy_of_finished: Job) -> None:
    file = copy_of_finished.out.shard(0)
    table = pq.read_table(file)
    for changed in (table.slice(1), pa.concat_tables([table, table.slice(0, 1)]), table.take([1, 0, *range(2, 8)])):
        pq.write_table(changed, file)
        with pytest.raises(IntegrityError):
            list(open_records(copy_of_finished.out, copy_of_finished.keys))


def test_an_edited_outcome_does_not_hide_a_record(copy_of_finished: Job) -> None:
    file = copy_of_finished.out.shard(0)
    table = pq.read_table(file)
    place = table.schema.get_field_index("outcome")
    outcomes = [Outcome.QUARANTINED.value, *table["outcome"].to_pylist()[1:]]
    pq.write_table(table.set_column(place, table.schema.field(place), [outcomes]), file)
    with pytest.raises(IntegrityError):
        list(open_records(copy_of_finished.out, copy_of_finished.keys, outcome=Outcome.QUARANTINED))


def test_a_missing_shard_of_a_finished_job_is_told(copy_of_finished: Job) -> None:
    copy_of_finished.out.shard(2).unlink()
    with pytest.raises(IntegrityError, match="missing"):
        list(open_records(copy_of_finished.out, copy_of_finished.keys))


def test_a_record_whose_data_key_is_gone_is_named(copy_of_finished: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = copy_of_finished.keys
    monkeypatch.setattr(keys, "data_keys", lambda *_, **__: OpenedKeys({}))
    with pytest.raises(KeyStoreError) as told:
        list(open_records(copy_of_finished.out, keys))
    assert told.value.record
