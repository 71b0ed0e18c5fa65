from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from models.training.augment import equalise_contrast, normalise
from models.training.settings import AugmentSettings, LabelledSet
from models.training.source import ResidentSource, held_out
from models.training.workers import Workers
from sievert.errors import NetworkInputError
from tests.unit.models.training_samples import pictures, settings

CPU = torch.device("cpu")
STILL = dict.fromkeys(("rotation_deg", "scale", "aspect", "shear", "shift", "gamma", "sharpness", "noise"), 0.0) | {
    "flip": False
}


def _source(labelled: LabelledSet, workers: Workers | None = None, **others: Any) -> ResidentSource:  # noqa: ANN401 - any setting
    chosen = settings(augment=STILL, **others)
    return ResidentSource(labelled, chosen, classes=2, workers=workers or Workers(), device=CPU)


def _seen(source: ResidentSource, epoch: int = 1) -> list[list[bytes]]:
    """What each batch shows, image by image."""
    batches = source.batches(epoch, torch.Generator().manual_seed(0))
    return [[image.numpy().round(3).tobytes() for image in images] for images, _ in batches]


def test_each_image_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    source = _source(pictures(20), batch_size=4)
    first, second = _seen(source, 1), _seen(source, 2)
    assert source.steps == len(first) == 5
    assert len({image for batch in first for image in batch}) == 20
    assert sorted(chain(*first)) == sorted(chain(*second))
    assert first != second
    assert first == _seen(_source(pictures(20), batch_size=4), 1)


def test_only_whole_batches_are_learnt_from_unless_there_is_but_one() -> None:
    assert [len(batch) for batch in _seen(_source(pictures(19), batch_size=4))] == [4] * 4
    assert [len(batch) for batch in _seen(_source(pictures(3), batch_size=4))] == [3]


def test_targets_belong_to_their_images() -> None:
    labelled = pictures(8)
    truth = {
        normalise(torch.from_numpy(image[None]).float() / 255).numpy().round(2).tobytes(): label
        for image, label in zip(labelled.images, labelled.labels.tolist(), strict=True)
    }
    (images, targets), *_ = _source(labelled).batches(1, torch.Generator().manual_seed(0))
    assert [truth[image[None].numpy().round(2).tobytes()] for image in images] == targets.argmax(1).tolist()
    assert targets.sum(1).tolist() == [1.0] * 8


def test_workers_see_together_what_one_would_see() -> None:
    alone = _seen(_source(pictures(20), batch_size=5))
    shares = [_seen(_source(pictures(20), Workers(rank, 3), batch_size=5)) for rank in range(3)]
    for number, batch in enumerate(alone):
        parts = [share[number] for share in shares]
        assert sorted(chain(*parts)) == sorted(batch)
        assert [len(part) for part in parts] == [2, 2, 1]


def test_batch_with_fewer_images_than_workers_is_refused() -> None:
    with pytest.raises(NetworkInputError, match="batch of 2 images cannot be shared by 3 workers"):
        _source(pictures(20), Workers(0, 3), batch_size=2)


def test_counts_are_of_all_images_whoever_learns_from_them() -> None:
    assert _source(pictures(9), Workers(1, 2)).counts.tolist() == [5, 4]


def test_validation_is_zscored_and_doubled_where_equalised_contrast_is_shown() -> None:
    labelled = pictures(4)
    images, truth = held_out(labelled, AugmentSettings(), CPU)
    assert images.mean((1, 2, 3)).abs().max() < 1e-5
    assert truth.tolist() == [0, 1, 0, 1]
    both, twice = held_out(labelled, AugmentSettings(equalised_share=0.5), CPU)
    assert torch.equal(both[:4], images)
    equalised = torch.from_numpy(equalise_contrast(labelled.images[:, 0])[:, None]).float() / 255
    assert torch.allclose(both[4:], normalise(equalised))
    assert twice.tolist() == [0, 1, 0, 1] * 2


@pytest.mark.parametrize("images", [(4, 1, 8, 8, 8), (4, 3, 8, 8)], ids=["volumes", "colours"])
def test_equalised_contrast_is_refused_for_what_is_no_grey_picture(images: tuple[int, ...]) -> None:
    labelled = LabelledSet(np.zeros(images, np.uint8), np.array([0, 1, 0, 1]))
    with pytest.raises(NetworkInputError, match="in grey pictures only"):
        held_out(labelled, AugmentSettings(equalised_share=0.1), CPU)
