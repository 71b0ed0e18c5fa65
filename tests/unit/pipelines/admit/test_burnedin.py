"""Text in the pixels is left, refused or blanked, as the policy says, whatever a header says."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from pipelines.admit.admission import admit
from pipelines.admit.burnedin import _finder, require_finder
from pipelines.admit.scope import Scope
from pipelines.flows.online.starting import make_online_task
from pipelines.flows.screen import screen_cohort
from sievert.errors import ModelError
from sievert.records import Admitted, PlannedInput, Reason, Refusal
from sievert.settings import AdmitSettings, Settings
from tests.dicoms import chest, encoded

SCOPE = Scope(modalities=("DX",), body_parts=("CHEST",))


def outcome(policy: AdmitSettings, *, text: bool) -> Admitted | Refusal:
    picture = np.tile(np.linspace(40, 160, 300, dtype=np.uint8), (300, 1))
    if text:
        cv2.putText(picture, "DOE JANE 1970", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2, cv2.LINE_AA)
    content = cv2.imencode(".png", picture)[1].tobytes()
    return admit(content, PlannedInput(0, "x"), scope=SCOPE, policy=policy).outcome


def test_by_default_nobody_looks() -> None:
    answer = outcome(AdmitSettings(), text=True)
    assert isinstance(answer, Admitted)
    assert answer.pixels.max() == 255
    assert answer.facts.masked == ()


def test_it_is_refused_or_blanked_where_the_policy_says_so() -> None:
    refused = outcome(AdmitSettings(burned_in_text="refuse"), text=True)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.COMPLIANCE_BURNED_IN
    masked = outcome(AdmitSettings(burned_in_text="mask"), text=True)
    assert isinstance(masked, Admitted)
    assert masked.pixels.max() < 200
    assert masked.facts.masked


@pytest.mark.parametrize("way", ["refuse", "mask"])
def test_a_picture_without_text_stays_as_it_is(way: str) -> None:
    answer = outcome(AdmitSettings(burned_in_text=way), text=False)
    assert isinstance(answer, Admitted)
    assert answer.facts.masked == ()
    assert answer.pixels.max() == 160


def test_a_text_finder_that_cannot_be_opened_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.textfinder.finding.NETWORK", tmp_path / "gone.onnx")
    monkeypatch.setattr("pipelines.admit.burnedin._finder", _finder.__wrapped__)
    with pytest.raises(ModelError):
        require_finder()
    with pytest.raises(ModelError):
        admit(encoded(chest()), PlannedInput(0, "x"), scope=SCOPE, policy=AdmitSettings(burned_in_text="mask"))


def test_screening_asks_for_the_text_finder_before_anything_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.textfinder.finding.NETWORK", tmp_path / "gone.onnx")
    monkeypatch.setattr("pipelines.admit.burnedin._finder", _finder.__wrapped__)
    settings = Settings(admit=AdmitSettings(burned_in_text="mask"))
    with pytest.raises(ModelError, match="text finder"):
        screen_cohort([str(tmp_path)], tmp_path / "out", model="default", settings=settings, watcher=Mock())
    with pytest.raises(ModelError, match="text finder"):
        make_online_task("default", tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
