"""What a de-identified object is: readable, marked, with the picture that it had."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless, SecondaryCaptureImageStorage

from models.textfinder.boxes import Box
from pipelines.admit.dicom.frames import decode_stored
from pipelines.admit.dicom.parsing import parse_dicom
from pipelines.admit.profile.applying import Applied, apply_profile
from pipelines.admit.profile.remap import Remap
from pipelines.admit.profile.table import Action
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings, DeidentifySettings, DeviceRule
from tests.dicoms import chest, encoded, ramp

REMAP = Remap(b"k" * 32)


class Finds:
    """Finds the same boxes in every picture."""

    def __init__(self, *boxes: Box) -> None:
        self._boxes = boxes

    def find(self, picture: np.ndarray[Any, Any]) -> tuple[Box, ...]:  # noqa: ARG002 - a finder's signature
        """The boxes."""
        return self._boxes


def attempt(dataset: Dataset, *boxes: Box, remap: Remap = REMAP, **options: Any) -> Applied | Refusal:  # noqa: ANN401
    """The profile, on an object that was written and read."""
    parsed = parse_dicom(encoded(dataset), AdmitSettings())
    assert isinstance(parsed, Dataset)
    return apply_profile(parsed, remap, Finds(*boxes), DeidentifySettings(**options))  # type: ignore[arg-type]


def written(dataset: Dataset, *boxes: Box, **options: Any) -> Dataset:  # noqa: ANN401
    """What can be read of what it wrote."""
    done = attempt(dataset, *boxes, **options)
    assert isinstance(done, Applied), done
    return pydicom.dcmread(io.BytesIO(done.content))


def test_the_object_says_what_was_done_to_it() -> None:
    plain = written(chest())
    assert plain.PatientIdentityRemoved == "YES"
    assert plain.LongitudinalTemporalInformationModified == "REMOVED"
    assert plain.BurnedInAnnotation == "NO"
    assert [item.CodeValue for item in plain.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    options = {"retain_modified_dates": True, "retain_device": True, "retain_characteristics": True, "pixels": "leave"}
    marked = written(chest(), **options)
    codes = [item.CodeValue for item in marked.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107", "113108", "113109"]
    assert marked.LongitudinalTemporalInformationModified == "MODIFIED"


def test_file_meta_is_new_and_the_preamble_empty() -> None:
    plain = written(chest())
    assert plain.preamble == bytes(128)
    assert plain.file_meta.MediaStorageSOPInstanceUID == plain.SOPInstanceUID
    assert plain.file_meta.ImplementationVersionName == "SIEVERT"


def test_the_same_patient_and_study_get_the_same_names_in_every_run() -> None:
    first, second = attempt(chest(StudyInstanceUID="1.2.3")), attempt(chest(StudyInstanceUID="1.2.3"))
    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert (first.patient, first.study) == (second.patient, second.study)
    other = attempt(chest(StudyInstanceUID="1.2.3"), remap=Remap(b"o" * 32))
    assert isinstance(other, Applied)
    assert other.patient != first.patient


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless], ids=lambda uid: UID(uid).name)
def test_pixels_are_what_they_were(syntax: UID) -> None:
    dataset = chest()
    dataset.compress(syntax, generate_instance_uid=False) if syntax != JPEGLSLossless else _as_jpegls(dataset)
    stored = decode_stored(written(dataset))
    assert isinstance(stored, np.ndarray)
    assert np.array_equal(stored[0], ramp())


def _as_jpegls(dataset: Dataset) -> None:
    """Without an encoder at hand the object stays uncompressed, and the claim is of less."""
    try:
        dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    except RuntimeError:
        pytest.skip("no JPEG-LS encoder: pip install pyjpegls")


def test_bits_above_the_stored_ones_are_cleared() -> None:
    hidden = ramp() | np.uint16(0xA000)
    stored = decode_stored(written(chest(PixelData=hidden.tobytes())))
    assert isinstance(stored, np.ndarray)
    assert np.array_equal(stored[0], ramp())


def test_text_is_blanked_in_every_frame() -> None:
    frames = np.stack([ramp() + 1, ramp() + 2])
    plain = written(chest(PixelData=frames.tobytes(), NumberOfFrames=2), Box(10, 20, 30, 40))
    stored = decode_stored(plain)
    assert isinstance(stored, np.ndarray)
    assert (stored[:, 10:30, 20:40] == [[[1]], [[2]]]).all()
    assert np.array_equal(stored[:, 40:], frames[:, 40:])


def test_black_is_the_largest_value_where_larger_is_darker() -> None:
    plain = written(chest(PhotometricInterpretation="MONOCHROME1"), Box(0, 0, 8, 8))
    assert plain.pixel_array[0, 0] == ramp().max()


def test_text_that_the_header_speaks_of_and_nobody_finds_is_no_object_to_let_out() -> None:
    refused = attempt(chest(BurnedInAnnotation="YES"))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.COMPLIANCE_BURNED_IN
    assert isinstance(attempt(chest(BurnedInAnnotation="YES"), Box(0, 0, 8, 8)), Applied)
    assert written(chest(BurnedInAnnotation="YES"), pixels="leave").BurnedInAnnotation == "YES"


def test_a_site_may_refuse_all_text() -> None:
    refused = attempt(chest(), Box(0, 0, 8, 8), pixels="refuse")
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.COMPLIANCE_BURNED_IN


def test_rules_for_devices_hold_without_any_text_found() -> None:
    rule = DeviceRule(modality="DX", manufacturer="acme", rows=96, boxes=((0, 0, 5, 96),))
    done = attempt(chest(Manufacturer="ACME Imaging"), device_rules=(rule,))
    assert isinstance(done, Applied)
    assert done.blanked == (Box(0, 0, 5, 96),)
    other = attempt(chest(Manufacturer="Other"), device_rules=(rule,))
    assert isinstance(other, Applied)
    assert other.blanked == ()


def test_what_stands_above_ultrasound_regions_is_blanked() -> None:
    region = Dataset()
    region.RegionLocationMinY0 = 12
    done = attempt(chest(Modality="US", SequenceOfUltrasoundRegions=[region]))
    assert isinstance(done, Applied)
    assert done.blanked == (Box(0, 0, 12, 96),)


def test_options_keep_what_they_are_for() -> None:
    about = {"StationName": "ROOM 7", "DeviceSerialNumber": "12345-678", "PatientSex": "F", "PatientAge": "093Y"}
    gone = written(chest(**about))
    assert (gone.StationName, gone.DeviceSerialNumber, gone.PatientSex) == ("ANONYMIZED", "ANONYMIZED", "")
    assert "PatientAge" not in gone
    kept = written(chest(**about), retain_device=True, retain_characteristics=True)
    assert (kept.StationName, kept.DeviceSerialNumber, kept.PatientSex) == ("ROOM 7", "12345-678", "F")
    assert kept.PatientAge == "090Y"


def test_intervals_between_dates_stay_under_the_option() -> None:
    dates = {"StudyDate": "20240229", "SeriesDate": "20240301", "AcquisitionDateTime": "20240229120000.5"}
    moved = written(chest(**dates), retain_modified_dates=True)
    assert moved.StudyDate != "20240229"
    days = [pydicom.valuerep.DA(value) for value in (moved.StudyDate, moved.SeriesDate)]
    assert (days[1] - days[0]).days == 1
    assert str(moved.AcquisitionDateTime) == f"{moved.StudyDate}120000.5"
    assert not moved.PatientBirthDate


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=0, max_size=40),
    st.sampled_from(["PatientSex", "StudyDate", "SoftwareVersions", "KVP", "ImageType"]),
)
def test_no_value_stops_it(value: bytes, keyword: str) -> None:
    dataset = parse_dicom(encoded(chest(**{keyword: None}) if keyword in chest() else chest()), AdmitSettings())
    assert isinstance(dataset, Dataset)
    raw = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(keyword), pydicom.datadict.dictionary_VR(keyword), len(value), value, 0, False, True
    )
    dataset._dict[pydicom.tag.Tag(keyword)] = raw
    assert isinstance(apply_profile(dataset, REMAP, Finds(), DeidentifySettings()), Applied)  # type: ignore[arg-type]


def test_the_report_tells_of_pixels_that_were_changed() -> None:
    done = attempt(chest(), Box(0, 0, 8, 8))
    assert isinstance(done, Applied)
    assert done.done["PixelData", Action.CLEANED] == 1
    assert ("PixelData", Action.CLEANED) not in attempt(chest()).done  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("about", "searched"),
    [
        ({"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY"]}, False),
        ({"Modality": "MR", "ImageType": ["ORIGINAL", "PRIMARY", "M"]}, False),
        ({"Modality": "CT", "ImageType": ["DERIVED", "SECONDARY"]}, True),
        ({"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY"], "SOPClassUID": SecondaryCaptureImageStorage}, True),
        ({"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY"], "BurnedInAnnotation": "YES"}, True),
        ({"Modality": "CT"}, True),
        ({"Modality": "CT", "ImageType": "ORIGINAL"}, True),
        ({"Modality": "US", "ImageType": ["ORIGINAL", "PRIMARY"]}, True),
        ({"Modality": "DX", "ImageType": ["ORIGINAL", "PRIMARY"]}, True),
    ],
)
def test_what_a_machine_measured_is_not_searched_for_text(about: dict[str, Any], searched: bool) -> None:  # noqa: FBT001
    done = attempt(chest(**about), Box(0, 0, 8, 8))
    assert isinstance(done, Applied)
    assert bool(done.blanked) is searched
    everything = attempt(chest(**about), Box(0, 0, 8, 8), search="all")
    assert isinstance(everything, Applied)
    assert everything.blanked
