"""The lung-field crop keeps the lungs of drawn chests, wherever they lie, and leaves alone what shows none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.recipe import LungField
from pipelines.cohort.simulated.anatomy import sample_chest
from pipelines.cohort.simulated.beam import pose, sample_exposure
from pipelines.cohort.simulated.canvas import Canvas
from pipelines.cohort.simulated.radiograph import draw_radiograph
from pipelines.cohort.simulated.tissue import lung_mask
from pipelines.preprocess.framing import framed, whole_frame
from pipelines.preprocess.lungs import find_lungs, lung_field
from sievert.errors import DataError

CANVAS, STEP = Canvas(256, 240), LungField()
DRAWN = 20


def drawn(seed: int) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """A drawn chest, and where its lungs are: the mask goes the way of the picture, by the same camera's chance."""
    chest = sample_chest(np.random.default_rng([seed, 1]))
    picture = draw_radiograph(CANVAS, chest, np.random.default_rng([seed, 2]), pattern=None, bedside=False)
    camera = np.random.default_rng([seed, 2]).spawn(3)[2]
    sample_exposure(camera, bedside=False)
    return picture, pose(lung_mask(CANVAS, chest), CANVAS, camera, bedside=False) > 1 / 2


def share_kept(picture: NDArray[np.uint16], lungs: NDArray[np.bool_]) -> float | None:
    """How much of the lungs is left; None where the picture stays whole."""
    box = find_lungs(picture)
    if box is None:
        return None
    frame = lung_field(STEP, picture)
    assert all(start <= part.start < part.stop <= stop for (start, stop), part in zip(frame, box, strict=True))
    return float(framed(frame, lungs).sum() / lungs.sum())


def test_the_lungs_of_drawn_chests_are_found_and_kept() -> None:
    kept = [share for share in (share_kept(*drawn(seed)) for seed in range(DRAWN)) if share is not None]
    assert len(kept) >= DRAWN - 2
    assert min(kept) > 0.94


@pytest.mark.parametrize(("turned", "sides"), [((0, 0), (384, 300)), ((60, 20), (360, 340))])
def test_they_are_found_where_they_lie_in_a_larger_picture(turned: tuple[int, int], sides: tuple[int, int]) -> None:
    """As where collimation left a wide dark border, more on one side than on the other."""
    small, where = drawn(1)
    picture, lungs = np.zeros(sides, np.uint16), np.zeros(sides, np.bool_)
    place = tuple(slice(start, start + side) for start, side in zip(turned, small.shape, strict=True))
    picture[place], lungs[place] = small, where
    kept = share_kept(picture, lungs)
    assert kept is not None
    assert kept > 0.94


@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 300), 7, np.uint8),
        np.add.outer(np.arange(300), np.arange(300)).astype(np.uint16),
        np.random.default_rng(0).integers(0, 256, (300, 300), dtype=np.uint8),
        cv2.circle(np.full((300, 300), 200, np.uint8), (150, 150), 80, 20, -1),
    ],
    ids=["flat", "ramp", "noise", "one dark disc"],
)
def test_what_shows_no_pair_of_lungs_stays_whole(picture: NDArray[np.uint8]) -> None:
    assert find_lungs(picture) is None
    assert framed(lung_field(STEP, picture), picture) is picture


def test_a_dark_shape_beside_the_body_is_no_lung() -> None:
    picture = np.full((300, 300), 200, np.uint8)
    picture[60:240, 70:130] = 20
    picture[60:240, 280:] = 20  # reaches the edge
    assert find_lungs(picture) is None
    picture[60:240, 170:230] = 20
    assert find_lungs(picture) is not None


def test_a_thumbnail_stays_whole_and_a_volume_is_refused() -> None:
    small = cv2.resize(drawn(1)[0], (64, 64), interpolation=cv2.INTER_AREA)
    assert lung_field(STEP, small) == whole_frame(small)
    with pytest.raises(DataError, match="not on volumes"):
        lung_field(STEP, np.zeros((3, 200, 200), np.uint8))


def test_lungs_are_found_in_most_real_radiographs(shared_data: Path) -> None:
    files = sorted((shared_data / "cxr_nih").glob("*/*.png"))
    assert len(files) == 100
    boxes = [find_lungs(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) for file in files[::4]]  # type: ignore[arg-type] # imread may give None, which fails there
    assert sum(box is not None for box in boxes) >= 20
