from __future__ import annotations

import io

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import BasicTextSRStorage, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from pipelines.admit.admission import admit
from pipelines.admit.scope import Scope
from sievert.records import Admitted, PlannedInput, Reason, Refusal
from sievert.settings import AdmitSettings
from tests.dicoms import PATIENT, SIDE, chest, encoded, ramp

SCOPE = Scope(("DX", "CR"), ("CHEST", "THORAX"), views=("PA", "AP"))
PLANNED = PlannedInput(0, "somewhere")
THREE_SAMPLES = {
    "PlanarConfiguration": 0,
    "SamplesPerPixel": 3,
    "PhotometricInterpretation": "RGB",
}


def outcome(content: bytes, planned: PlannedInput = PLANNED, policy: AdmitSettings | None = None) -> Admitted | Refusal:
    return admit(content, planned, scope=SCOPE, policy=policy or AdmitSettings()).outcome


def reason(content: bytes, **policy: object) -> Reason | None:
    found = outcome(content, policy=AdmitSettings.model_validate(policy))
    return found.reason if isinstance(found, Refusal) else None


def png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]], mode: str | None = None) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file, "PNG")
    return file.getvalue()


def jpeg(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=95)
    return file.getvalue()


def nifti(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    return bytes(nib.Nifti1Image(values, np.eye(4)).to_bytes())


GREY = (ramp() >> 4).astype(np.uint8)


def test_a_chest_radiograph_is_admitted_without_its_identity() -> None:
    admission = admit(encoded(chest()), PLANNED, scope=SCOPE, policy=AdmitSettings())
    assert isinstance(admission.outcome, Admitted)
    facts = admission.outcome.facts
    assert (facts.modality, facts.body_part, facts.declared_by) == ("DX", "CHEST", "header")
    assert {"PatientName", "PatientID", "PatientBirthDate"} <= set(facts.removed)
    assert PATIENT not in repr(admission)
    assert "PID-007" not in repr(admission)
    assert admission.identity["PatientID"] == "PID-007"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Modality": "CT"}, Reason.SCOPE_MODALITY),
        ({"Modality": "MG"}, Reason.SCOPE_MODALITY),
        ({"BodyPartExamined": "HAND"}, Reason.SCOPE_BODY_PART),
        ({"BodyPartExamined": None}, Reason.SCOPE_UNDECLARED),
        ({"Modality": None}, Reason.SCOPE_UNDECLARED),
        ({"ViewPosition": "LL"}, Reason.SCOPE_VIEW),
        ({"PhotometricInterpretation": None}, Reason.FORMAT_CORRUPT),
        ({"Modality": "SR"}, Reason.FORMAT_NO_PIXELS),
        ({"Modality": "SEG"}, Reason.FORMAT_NO_PIXELS),
        ({"PixelData": None, "Rows": None}, Reason.FORMAT_TRUNCATED),
        ({"PixelData": None, "SOPClassUID": BasicTextSRStorage, "Rows": None}, Reason.FORMAT_NO_PIXELS),
        ({"PixelData": None}, Reason.FORMAT_TRUNCATED),
        ({"PixelData": ramp().tobytes()[:-2]}, Reason.FORMAT_TRUNCATED),
        ({"Rows": None}, Reason.FORMAT_CORRUPT),
        ({"BurnedInAnnotation": "YES"}, Reason.COMPLIANCE_BURNED_IN),
        ({"PresentationIntentType": "FOR PROCESSING"}, Reason.COMPLIANCE_FOR_PROCESSING),
        ({"NumberOfFrames": 2, "PixelData": ramp().tobytes() * 2}, Reason.COMPLIANCE_SPATIAL_RANK),
        ({**THREE_SAMPLES, "PixelData": ramp().tobytes() * 3}, Reason.COMPLIANCE_COLOUR),
        ({"PixelData": bytes(2 * SIDE * SIDE)}, Reason.COMPLIANCE_BLANK),
        ({"BitsStored": 6, "HighBit": 5}, Reason.COMPLIANCE_BIT_DEPTH),
        ({"Rows": 32, "Columns": 32, "PixelData": ramp(32).tobytes()}, Reason.COMPLIANCE_MATRIX_SIZE),
        ({"Rows": 65_000, "Columns": 65_000}, Reason.FORMAT_TRUNCATED),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_radiograph_that_is_not_right_is_refused_with_its_reason(
    changes: dict[str, object], expected: Reason
) -> None:
    assert reason(encoded(chest(**changes))) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"no picture at all, but text named .dcm", Reason.FORMAT_UNKNOWN),
        (bytes(128) + b"DICM" + b"\xff" * 500, Reason.FORMAT_CORRUPT),
        (bytes(128) + b"DICM", Reason.FORMAT_CORRUPT),
        (encoded(chest())[:150], Reason.FORMAT_CORRUPT),
        (encoded(chest())[:-700], Reason.FORMAT_TRUNCATED),
        (png(GREY)[:-30], Reason.FORMAT_TRUNCATED),
        (png(GREY)[:20], Reason.FORMAT_TRUNCATED),
        (png(GREY).replace(b"IDAT", b"IDAT", 1)[:60] + b"\0" + png(GREY)[61:], Reason.FORMAT_CORRUPT),
        (jpeg(GREY)[:-40], Reason.FORMAT_TRUNCATED),
        (nifti(np.zeros((9, 9, 9), np.float32)), Reason.COMPLIANCE_SPATIAL_RANK),
        (nifti(np.ones((99, 99), np.float32)), Reason.SCOPE_UNDECLARED),
        (nifti(np.zeros((9, 9, 9), np.float32))[:900], Reason.COMPLIANCE_SPATIAL_RANK),
        (nifti(np.ones((99, 99), np.float32))[:344] + b"ni1\0" + bytes(9999), Reason.FORMAT_UNSUPPORTED),
        (nifti(np.ones((99, 99), np.complex64)), Reason.FORMAT_UNSUPPORTED),
        (png(np.random.default_rng(0).integers(0, 255, (99, 99, 3), dtype=np.uint8)), Reason.COMPLIANCE_COLOUR),
        (jpeg(np.random.default_rng(0).integers(0, 255, (99, 99, 3), dtype=np.uint8), "RGB"), Reason.COMPLIANCE_COLOUR),
        (png(np.full((99, 99), 7, np.uint8)), Reason.COMPLIANCE_BLANK),
        (png(GREY, "1"), Reason.COMPLIANCE_BIT_DEPTH),
        (png(GREY[:20]), Reason.COMPLIANCE_MATRIX_SIZE),
    ],
    ids=range(19),
)
def test_a_file_that_is_not_right_is_refused_with_its_reason(content: bytes, expected: Reason) -> None:
    assert reason(content) == expected


@pytest.mark.parametrize("content", [png(GREY), png(GREY, "RGB"), png(GREY, "RGBA"), png(GREY, "LA"), png(GREY, "P")])
def test_a_grey_picture_is_admitted_however_it_is_stored(content: bytes) -> None:
    found = outcome(content)
    assert isinstance(found, Admitted)
    assert np.array_equal(found.pixels, GREY)
    assert found.facts.declared_by == "assumed"


def test_a_grey_jpeg_stored_in_colour_is_admitted() -> None:
    assert isinstance(outcome(jpeg(GREY, "RGB")), Admitted)


def test_sixteen_bits_stay_sixteen_bits() -> None:
    deep = ramp() * 16
    found = outcome(png(deep))
    assert isinstance(found, Admitted)
    assert found.pixels.dtype == np.uint16
    assert np.array_equal(found.pixels, deep)


def test_an_image_larger_than_the_policy_allows_is_not_decoded() -> None:
    assert reason(png(GREY), max_pixels=SIDE * SIDE - 1) == Reason.FORMAT_TOO_LARGE
    assert reason(encoded(chest()), max_pixels=SIDE * SIDE - 1) == Reason.FORMAT_TOO_LARGE


def test_a_policy_may_allow_what_the_default_refuses() -> None:
    assert reason(encoded(chest(BurnedInAnnotation="YES")), allow_burned_in=True) is None
    assert reason(encoded(chest(PresentationIntentType="FOR PROCESSING")), allow_for_processing=True) is None
    assert reason(png(GREY), undeclared="refuse") == Reason.SCOPE_UNDECLARED


def test_a_manifest_declares_what_a_picture_cannot_say() -> None:
    refuse = AdmitSettings(undeclared="refuse")
    chest_picture = PlannedInput(0, "x", modality="CR", body_part="CHEST")
    found = outcome(png(GREY), chest_picture, refuse)
    assert isinstance(found, Admitted)
    assert found.facts.declared_by == "manifest"
    skin = outcome(png(GREY), PlannedInput(0, "x", modality="XC", body_part="SKIN"))
    assert isinstance(skin, Refusal)
    assert skin.reason == Reason.SCOPE_MODALITY


def test_a_manifest_does_not_overrule_a_header() -> None:
    found = outcome(encoded(chest(Modality="CT")), PlannedInput(0, "x", modality="DX", body_part="CHEST"))
    assert isinstance(found, Refusal)
    assert found.reason == Reason.SCOPE_MODALITY


def test_monochrome1_is_turned_and_stretched_to_the_full_range() -> None:
    plain, turned = outcome(encoded(chest())), outcome(encoded(chest(PhotometricInterpretation="MONOCHROME1")))
    assert isinstance(plain, Admitted)
    assert isinstance(turned, Admitted)
    assert (plain.pixels.min(), plain.pixels.max()) == (0, 65_535)
    assert np.abs(plain.pixels.astype(int) + turned.pixels - 65_535).max() <= 1


def test_a_window_is_applied_as_a_reader_would_see_it() -> None:
    found = outcome(encoded(chest(WindowCenter=200, WindowWidth=100)))
    assert isinstance(found, Admitted)
    assert (found.pixels[ramp() < 140] == 0).all()
    assert (found.pixels[ramp() > 260] == 65_535).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_a_compressed_radiograph_decodes_to_the_same_picture(syntax: str) -> None:
    dataset = chest()
    dataset.compress(syntax)
    found, plain = outcome(encoded(dataset)), outcome(encoded(chest()))
    assert isinstance(found, Admitted)
    assert isinstance(plain, Admitted)
    assert np.array_equal(found.pixels, plain.pixels)


def test_a_coded_region_stands_in_for_a_missing_body_part() -> None:
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "51185008", "SCT", "Chest"
    assert reason(encoded(chest(BodyPartExamined=None, AnatomicRegionSequence=[region]))) is None


def test_no_reason_quotes_what_an_attribute_holds() -> None:
    for changes in ({"Modality": "JANE"}, {"BodyPartExamined": "DOE JANE"}):
        found = outcome(encoded(chest(**changes)))
        assert isinstance(found, Refusal)
        assert "JANE" not in found.explanation


def compressed(syntax: str) -> Dataset:
    dataset = chest()
    dataset.compress(syntax)
    return dataset


def test_a_codestream_that_ends_early_or_is_of_another_size_is_refused() -> None:
    whole = compressed(JPEG2000Lossless)
    frame = next(generate_frames(whole.PixelData, number_of_frames=1))
    whole.PixelData = encapsulate([frame[: len(frame) // 4 * 2]])
    assert reason(encoded(whole)) == Reason.FORMAT_TRUNCATED
    other = compressed(JPEG2000Lossless)
    other.Rows = SIDE - 8
    assert reason(encoded(other)) == Reason.FORMAT_CORRUPT


def test_a_file_cut_in_its_header_or_its_fragments_is_truncated_not_without_pixels() -> None:
    content = encoded(compressed(JPEG2000Lossless))
    assert reason(content[: len(content) - 40]) == Reason.FORMAT_TRUNCATED
    assert reason(encoded(chest())[:420]) == Reason.FORMAT_TRUNCATED


def test_a_deflated_bomb_is_not_unpacked() -> None:
    bomb = chest(PixelData=bytes(60_000_000))
    bomb.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = encoded(bomb)
    assert len(content) < 200_000
    assert reason(content, max_pixels=1_000_000) == Reason.FORMAT_TOO_LARGE
    small = chest()
    small.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert reason(encoded(small)) is None


@pytest.mark.parametrize("value", [0, 65_535])
def test_padding_takes_no_part_in_the_picture(value: int) -> None:
    stored = ramp()
    stored[:, :20] = value
    plain = outcome(encoded(chest()))
    dataset = chest(PixelData=stored.tobytes(), BitsStored=16, HighBit=15)
    dataset.add_new("PixelPaddingValue", "US", value)
    padded = outcome(encoded(dataset))
    assert isinstance(plain, Admitted)
    assert isinstance(padded, Admitted)
    assert (padded.pixels[:, :20] == 0).all()
    inside = padded.pixels[:, 21:].astype(int)
    assert (inside.min(), inside.max()) == (
        int(padded.pixels[padded.pixels > 0].min()) if value else inside.min(),
        65_535,
    )
    assert np.all(np.diff(inside[0]) > 0)


def test_a_table_that_its_library_would_misread_is_refused() -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 8], bytes(4096)
    table.VOILUTFunction = None
    dataset = chest(VOILUTSequence=[table])
    assert reason(encoded(dataset)) == Reason.FORMAT_UNSUPPORTED


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["dicom", "png", "jpeg", "nifti"]),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=9),
    st.integers(0),
)
def test_nothing_that_a_file_contains_raises(kind: str, changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(_SEEDS[kind])
    for place, value in changes:
        content[place % len(content)] = value
    found = outcome(bytes(content[: len(content) - cut % 64]))
    assert isinstance(found, Admitted | Refusal)


_SEEDS = {"dicom": encoded(chest()), "png": png(GREY), "jpeg": jpeg(GREY), "nifti": nifti(np.eye(99, dtype=np.float32))}
