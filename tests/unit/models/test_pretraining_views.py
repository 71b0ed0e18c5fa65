from __future__ import annotations

import numpy as np
import pytest
import torch

from models.pretraining.settings import PretrainSettings
from models.pretraining.views import ViewSource, crop
from models.training.settings import AugmentSettings, LabelledSet
from models.training.workers import Workers

STILL = AugmentSettings(rotation_deg=0, scale=0, aspect=0, shear=0, shift=0, gamma=0, sharpness=0, noise=0, flip=False)


def _draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _ramp(*shape: int) -> torch.Tensor:
    """Rises along the last axis from 0 to 1."""
    return torch.linspace(0, 1, shape[-1]).expand(64, 1, *shape).clone()


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 16)])
def test_boxes_hold_at_least_the_share_that_is_asked_for(shape: tuple[int, ...]) -> None:
    cut = crop(_ramp(*shape), 0.25, _draw())
    spans = (cut.flatten(1).amax(1) - cut.flatten(1).amin(1)).tolist()
    side = 0.25 ** (1 / len(shape))
    assert min(spans) > side - 0.05
    assert max(spans) - min(spans) > 0.2
    assert max(spans) <= 1


def test_crop_of_the_whole_leaves_images_as_they_are() -> None:
    assert torch.equal(crop(_ramp(8, 8), 1.0, _draw()), _ramp(8, 8))


def _source(workers: Workers, *, batch_size: int = 8) -> ViewSource:
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
    settings = PretrainSettings(batch_size=batch_size, crop=1.0, augment=STILL)
    labels = np.zeros(20, dtype=np.int64)
    return ViewSource(LabelledSet(images, labels), settings, workers=workers, device=torch.device("cpu"))


def test_first_and_second_view_show_the_same_image() -> None:
    views = next(_source(Workers()).batches(1, _draw()))
    assert torch.allclose(views[:8], views[8:], atol=1e-5)
    assert not torch.allclose(views[:1], views[1:2], atol=1e-2)


def test_workers_share_a_batch_and_together_see_all_of_it() -> None:
    whole = next(_source(Workers()).batches(1, _draw()))[:8]
    shares = [next(_source(Workers(rank, 2)).batches(1, _draw()))[:4] for rank in range(2)]
    assert torch.allclose(torch.stack(shares, dim=1).flatten(0, 1), whole, atol=1e-5)


def test_another_epoch_has_another_order() -> None:
    source = _source(Workers())
    assert not torch.allclose(next(source.batches(1, _draw())), next(source.batches(2, _draw())), atol=1e-2)
    assert source.steps == len(list(source.batches(1, _draw()))) == 2
