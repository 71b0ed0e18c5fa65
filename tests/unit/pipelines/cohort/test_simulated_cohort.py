"""What `make demo` screens: a cohort that is written whole, the same for a seed, and wholly fictional."""

from __future__ import annotations

import io
import socket
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import pydicom
import pytest
from pydicom.valuerep import PersonName

from pipelines.cohort.simulated import NORMAL, PNEUMONIA, SimulatedStudy, write_simulated_cohort
from pipelines.cohort.simulated.cohort import simulate_studies
from pipelines.cohort.simulated.defects import DEFECTS
from pipelines.cohort.simulated.people import plan_visits
from sievert.errors import ConfigError, StorageError
from sievert.records import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset


@cache
def small_cohort(seed: int = 0) -> tuple[tuple[SimulatedStudy, bytes], ...]:
    return tuple(simulate_studies(studies=10, seed=seed))


@cache
def headers() -> tuple[pydicom.FileDataset, ...]:
    screened = (content for study, content in small_cohort() if study.defect is None)
    return tuple(pydicom.dcmread(io.BytesIO(content)) for content in screened)


def values_of(dataset: Dataset, representation: str) -> Iterator[object]:
    for element in dataset.iterall():
        if representation == element.VR and element.value:
            yield element.value


def refuse(*_: object, **__: object) -> socket.socket:
    pytest.fail("the network was asked for")


def test_a_seed_fixes_every_byte() -> None:
    again = tuple(islice(simulate_studies(studies=10, seed=0), 4))
    assert again == small_cohort()[: len(again)]


def test_another_seed_gives_other_pictures_under_other_uids() -> None:
    first, other = (pydicom.dcmread(io.BytesIO(next(simulate_studies(studies=400, seed=seed))[1])) for seed in (1, 2))
    assert first.SOPInstanceUID != other.SOPInstanceUID
    assert first.PixelData != other.PixelData


def test_the_folder_holds_exactly_what_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", refuse)
    written = write_simulated_cohort(tmp_path, studies=2, seed=3)
    assert [study.path for study in written] == sorted(f.relative_to(tmp_path) for f in tmp_path.rglob("*.dcm"))
    assert len(written) == 2 + len(DEFECTS)


def test_each_study_lies_in_its_patients_folder() -> None:
    for study, content in small_cohort():
        patient, visit, _ = study.path.parts
        if study.defect is None:
            header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
            assert header.PatientID == patient
            assert visit == f"{header.StudyDate}_{header.AccessionNumber}"


def test_every_fifth_patient_comes_twice_and_is_the_same_person() -> None:
    visits = plan_visits(12, seed=0)
    people = {visit.person for visit in visits}
    assert len(people) == 10
    assert len({person.patient_id for person in people}) == 10
    assert visits[0].person == visits[1].person
    assert visits[0].uid("study") != visits[1].uid("study")


def test_half_of_the_screened_studies_show_pneumonia() -> None:
    truths = [study.truth for study, _ in small_cohort() if study.expected is Outcome.SCREENED]
    assert (truths.count(NORMAL), truths.count(PNEUMONIA)) == (5, 5)


def test_each_defect_is_planted_once_with_its_reason() -> None:
    planted = {study.defect: study.expected for study, _ in small_cohort() if study.defect}
    assert planted == {defect.name: defect.reason for defect in DEFECTS}
    assert all(isinstance(reason, Reason) for reason in planted.values())
    assert len([study for study, _ in small_cohort() if study.defect]) == len(DEFECTS)


def test_screened_studies_decode_to_twelve_bits_in_five_transfer_syntaxes() -> None:
    for header in headers():
        assert header.pixel_array.shape == (header.Rows, header.Columns)
        assert (header.BitsStored, int(header.pixel_array.max()) < 4096) == (12, True)
    assert len({header.file_meta.TransferSyntaxUID for header in headers()}) == 5


def test_screened_studies_vary_as_hospitals_do() -> None:
    for keyword in ("Modality", "ViewPosition", "PhotometricInterpretation"):
        assert len({header[keyword].value for header in headers()}) == 2, keyword
    assert {"WindowWidth" in header for header in headers()} == {True, False}
    assert {header.BodyPartExamined for header in headers()} == {"CHEST"}


def test_everybody_is_fictional_however_deeply_nested() -> None:
    for header in headers():
        names = [value for value in values_of(header, "PN") if isinstance(value, PersonName)]
        assert len(names) >= 6
        assert all(str(name).startswith("Simulated^") for name in names)
        assert header.PatientID.startswith("SIM")
        assert "Simulated" in header.InstitutionName
        assert "shows no patient" in header.ImageComments


def test_identifiers_hide_in_sequences_and_private_tags_too() -> None:
    # Implicit VR leaves a reader no way to know that a private element is a sequence.
    header = next(header for header in headers() if not header.file_meta.TransferSyntaxUID.is_implicit_VR)
    name = header.PatientName
    assert header.private_block(0x0011, "SIMULATED VENDOR")[0x03].value[0].PatientName == name
    assert str(name).replace("^", " ") in header.RequestAttributesSequence[0].ScheduledProcedureStepDescription
    assert "PatientName" in header.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]


def test_uids_are_valid_derived_from_uuids_and_never_shared() -> None:
    images = [header.SOPInstanceUID for header in headers()]
    assert len(set(images)) == len(images)
    assert all(uid.is_valid and uid.startswith("2.25.") for uid in images)


def test_children_are_as_old_as_their_birth_dates_say() -> None:
    for header in headers():
        years = (int(header.StudyDate) - int(header.PatientBirthDate)) // 10000
        assert years == int(header.PatientAge[:3])
        assert 1 <= years <= 5


@pytest.mark.parametrize(("studies", "seed"), [(0, 0), (1, -1)])
def test_a_cohort_of_nobody_is_refused(tmp_path: Path, studies: int, seed: int) -> None:
    with pytest.raises(ConfigError):
        write_simulated_cohort(tmp_path, studies=studies, seed=seed)


def test_a_folder_that_cannot_be_made_is_our_own_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        write_simulated_cohort(tmp_path / "file", studies=1)
