"""What a policy demands of a header and of a picture without one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.admit.admission import admit
from pipelines.admit.scope import Scope
from sievert.branchadmit import PRESETS
from sievert.records import Admitted, PlannedInput, Reason, Refusal
from sievert.settings import AdmitSettings, load_settings
from tests.dicoms import chest, encoded

SCOPE = Scope(modalities=("DX", "CR"), body_parts=("CHEST",))


def outcome(policy: dict[str, Any], **about: Any) -> Admitted | Refusal:  # noqa: ANN401
    content = encoded(chest(**about))
    return admit(content, PlannedInput(0, "x"), scope=SCOPE, policy=AdmitSettings(**policy)).outcome


@pytest.mark.parametrize(
    ("policy", "about", "reason"),
    [
        ({"modalities": ["CR"]}, {}, Reason.COMPLIANCE_MODALITY),
        ({"body_parts": ["BREAST"]}, {}, Reason.COMPLIANCE_BODY_PART),
        ({"views": ["AP"]}, {}, Reason.COMPLIANCE_VIEW),
        ({"photometric": ["MONOCHROME1"]}, {}, Reason.COMPLIANCE_PHOTOMETRIC),
        ({"required_attributes": ["KVP"]}, {}, Reason.COMPLIANCE_MISSING_ATTRIBUTE),
        ({"required_attributes": ["NoSuchKeyword"]}, {}, Reason.COMPLIANCE_MISSING_ATTRIBUTE),
        ({"spacing_mm": [0.1, 0.2]}, {"PixelSpacing": [0.3, 0.3]}, Reason.COMPLIANCE_SPACING),
        ({"age_years": [18, 70]}, {"PatientAge": "017Y"}, Reason.COMPLIANCE_AGE),
        ({"age_years": [18, 70]}, {"PatientAge": "071Y"}, Reason.COMPLIANCE_AGE),
        ({"age_years": [1, 70]}, {"PatientAge": "011M"}, Reason.COMPLIANCE_AGE),
        ({"deidentified": "yes"}, {}, Reason.COMPLIANCE_IDENTITY),
        ({"deidentified": "no"}, {"PatientIdentityRemoved": "YES"}, Reason.COMPLIANCE_IDENTITY),
        ({"quality": {"min_contrast": 0.9}}, {}, Reason.COMPLIANCE_BLANK),
    ],
)
def test_what_the_policy_forbids_is_refused_with_its_reason(
    policy: dict[str, Any], about: dict[str, Any], reason: Reason
) -> None:
    answer = outcome(policy, **about)
    assert isinstance(answer, Refusal)
    assert answer.reason is reason


@pytest.mark.parametrize(
    ("policy", "about"),
    [
        ({"modalities": ["dx"], "body_parts": ["chest"], "views": ["PA", "AP"]}, {}),
        ({"spacing_mm": [0.1, 0.2]}, {}),
        ({"spacing_mm": [0.1, 0.2]}, {"PixelSpacing": [0.1, 0.2]}),
        ({"age_years": [18, 70]}, {"PatientAge": "070Y"}),
        ({"age_years": [18, 70]}, {}),
        ({"deidentified": "yes"}, {"PatientIdentityRemoved": "YES"}),
        ({"required_attributes": ["BitsStored"]}, {}),
    ],
)
def test_what_it_allows_is_admitted(policy: dict[str, Any], about: dict[str, Any]) -> None:
    assert isinstance(outcome(policy, **about), Admitted)


def test_no_reason_tells_an_age() -> None:
    answer = outcome({"age_years": [18, 70]}, PatientAge="017Y")
    assert isinstance(answer, Refusal)
    assert "17" not in answer.explanation


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_lies_under_what_is_set_beside_it(name: str) -> None:
    plain = AdmitSettings(preset=name)
    assert plain.modalities == PRESETS[name]["modalities"]
    beside = AdmitSettings(preset=name, min_side_px=7, quality={"max_saturated": 0.9})
    assert beside.min_side_px == 7
    assert beside.quality.max_saturated == 0.9
    assert beside.quality.min_contrast == PRESETS[name]["quality"].get("min_contrast")
    assert AdmitSettings(**plain.model_dump()) == plain


def test_a_preset_may_come_from_a_file_or_the_environment() -> None:
    loaded = load_settings(environment={"SIEVERT_ADMIT__PRESET": "ct", "SIEVERT_ADMIT__MIN_BITS": "8"}).settings
    assert (loaded.admit.modalities, loaded.admit.min_bits) == (("CT",), 8)


@pytest.mark.parametrize("wrong", [{"preset": "mri"}, {"spacing_mm": [2, 1]}, {"quality": {"min_field": 2}}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AdmitSettings(**wrong)
