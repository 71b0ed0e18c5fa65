from __future__ import annotations

from pathlib import Path

import pytest

from models.package import load_package
from pipelines.cohort.ids import Pseudonyms
from pipelines.flows.planning import find_cohort, plan_job
from pipelines.flows.screen import make_task, run_facts
from pipelines.flows.shard import ShardScreener
from pipelines.results.binding import bind_job
from pipelines.results.collector import JobCollector
from pipelines.results.custody.creating import create_key_store
from pipelines.results.custody.erasing import erase
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger import EmbeddedLedger
from pipelines.results.opening import Skipped, open_records
from pipelines.results.outfolder import OutFolder, locked_out_folder
from pipelines.results.verifying import verify_job
from sievert.records import Outcome
from sievert.settings import Settings
from tests.dicoms import chest, encoded
from tests.jobs import settings_in
from tests.stores import quiet

IDENTIFIERS = (b"PID-PLANTED-7", b"PLANTED^JANE", b"PLANTED-ACCESS", b"SMITH_JOHN")


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Twelve images, in a folder named after somebody: every second one is of one patient."""
    folder = tmp_path / "SMITH_JOHN"
    folder.mkdir()
    for number in range(12):
        named = "PID-PLANTED-7" if number % 2 else f"PID-{number}"
        dataset = chest(PatientID=named, PatientName="PLANTED^JANE", SOPInstanceUID=f"1.2.3.{number}")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.AccessionNumber = "PLANTED-ACCESS"
        (folder / f"{number:02d}.dcm").write_bytes(encoded(dataset))
    return folder


def run(cohort: Path, settings: Settings, out: OutFolder, shards: slice) -> None:
    """What `sievert screen` does, for some of the shards; after the last one it finishes the job."""
    package, keys = load_package("default"), create_key_store(settings.store.keys)
    inputs = [str(cohort)]
    job = plan_job(out, inputs, found=find_cohort(inputs, out), package=package, keys=keys, settings=settings)
    screener = ShardScreener(make_task(out, job, package=package, keys=keys, settings=settings))
    for shard in range(job.shards.count)[shards]:
        screener.screen(shard)
    if len(out.finished_shards()) == job.shards.count:
        collector = JobCollector(out.path, keys=keys.folder)
        for shard in range(job.shards.count):
            collector.add(shard)
        done = collector.finish(run_facts(12, 1.0, resumed=0, workers=1, package=package))
        bind_job(out, EmbeddedLedger(settings.store.ledger), root=done.root, count=done.leaves, keys=keys)


def test_a_job_that_goes_on_after_an_erasure_stays_closed_for_the_patient(tmp_path: Path, cohort: Path) -> None:
    settings = settings_in(tmp_path)
    with locked_out_folder(tmp_path / "out") as out:
        run(cohort, settings, out, slice(0, 1))
        keys = KeyStore(settings.store.keys)
        patient = Pseudonyms(keys.identity_key).patient("PID-PLANTED-7")
        erase(keys, patient, job=None, progress=quiet)
        run(cohort, settings, out, slice(1, None))
    skipped = Skipped()
    opened = [record for one in Outcome for record in open_records(out, keys, outcome=one, skipped=skipped)]
    assert len(opened) == skipped.erased == 6
    assert patient not in {record["patient"] for record in opened}
    assert not verify_job(out, EmbeddedLedger(settings.store.ledger)).lies
    run(cohort, settings, out, slice(None))
    assert patient not in {record["patient"] for record in open_records(out, keys)}


def test_no_planted_identifier_stands_in_any_byte_or_name_that_was_written(tmp_path: Path, cohort: Path) -> None:
    settings = settings_in(tmp_path / "home")
    with locked_out_folder(tmp_path / "home" / "out") as out:
        run(cohort, settings, out, slice(None))
    written = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert len(written) > 10
    for file in written:
        content = file.read_bytes() + str(file.relative_to(tmp_path)).encode()
        assert [planted for planted in IDENTIFIERS if planted in content] == [], file.name
    opened = str(list(open_records(out, KeyStore(settings.store.keys))))
    assert "PID-PLANTED-7" in opened
    assert "PLANTED-ACCESS" in opened
