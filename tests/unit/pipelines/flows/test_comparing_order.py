from __future__ import annotations

import pytest

from pipelines.flows.comparing.order import CompareOrder
from pipelines.flows.train import TrainingOrder
from sievert.errors import ConfigError


@pytest.mark.parametrize(("images", "passes"), [(100, 80), (546, 80), (4_708, 9), (1_000_000, 5)])
def test_passes_show_as_many_images_of_a_small_set_as_of_a_large_one(images: int, passes: int) -> None:
    order = CompareOrder(TrainingOrder()).with_passes(images)
    assert {order.row(arch).settings.epochs for arch in order.archs} == {passes}


def test_passes_that_the_user_set_stay() -> None:
    order = CompareOrder(TrainingOrder(), choices={"training.epochs": 3})
    assert order.with_passes(546) is order


@pytest.mark.parametrize(
    ("taught", "teachers", "told"),
    [
        (("resnet18",), (), "'resnet18' cannot be taught: it is no row"),
        (("hybrid",), ("resnet18",), "'resnet18' cannot teach: it is no row"),
        ((), ("resnet50",), "teachers are named, but no row that they teach"),
    ],
)
def test_teaching_that_cannot_be_is_refused(taught: tuple[str, ...], teachers: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        CompareOrder(TrainingOrder(), taught=taught, teachers=teachers)
