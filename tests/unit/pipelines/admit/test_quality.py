"""Each score tells what it is for, whatever the depth and size of the picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.admit.quality import check_quality
from sievert.records import Reason, Refusal
from sievert.settings import AdmitSettings, QualitySettings

LIMITS = AdmitSettings(preset="chest-x-ray").quality


def radiograph(*, side: int = 700, depth: type = np.uint16) -> NDArray[Any]:
    """Detail of all sizes, nothing cut off."""
    random = np.random.default_rng(0)
    layers = [
        cv2.resize(random.random((2**n, 2**n)), (side, side), interpolation=cv2.INTER_CUBIC) / n for n in range(2, 9)
    ]
    total = sum(layers)
    share = 0.05 + 0.9 * (total - total.min()) / np.ptp(total)
    return np.asarray((share * np.iinfo(depth).max).astype(depth))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("side", [300, 700, 1500])
def test_a_good_picture_passes_and_says_its_scores(side: int, depth: type) -> None:
    scores = check_quality(radiograph(side=side, depth=depth), LIMITS)
    assert isinstance(scores, dict)
    assert set(scores) == {"saturated share", "clipped share", "field", "contrast", "sharpness"}
    assert all(0 <= score <= 1 for score in scores.values())


def refused(pixels: NDArray[Any]) -> Reason | None:
    answer = check_quality(pixels, LIMITS)
    return answer.reason if isinstance(answer, Refusal) else None


def test_each_fault_has_its_reason() -> None:
    good = radiograph()
    dark = np.zeros_like(good)
    dark[200:450, 200:450] = good[200:450, 200:450]
    lifted = np.where(dark == 0, np.uint16(2000), dark)
    assert refused(np.clip(good * 3.0, 0, 65535).astype(np.uint16)) is Reason.COMPLIANCE_SATURATED
    assert refused(dark) is Reason.COMPLIANCE_CLIPPED
    assert refused(lifted) is Reason.COMPLIANCE_COLLIMATED
    assert refused((good * 0.02 + 30000).astype(np.uint16)) in (Reason.COMPLIANCE_BLANK, Reason.COMPLIANCE_COLLIMATED)
    assert refused(cv2.GaussianBlur(good, (0, 0), 9)) is Reason.COMPLIANCE_OUT_OF_FOCUS


def test_a_score_without_a_limit_is_not_measured() -> None:
    assert check_quality(radiograph(), QualitySettings()) == {}
    assert check_quality(radiograph(), QualitySettings(max_clipped=1)) == {"clipped share": 0.0}


def test_the_reason_says_score_and_limit() -> None:
    answer = check_quality(np.full((90, 90), 255, np.uint8), QualitySettings(max_saturated=0.5))
    assert isinstance(answer, Refusal)
    assert "1.0" in answer.detail
    assert "at most 0.5" in answer.detail
