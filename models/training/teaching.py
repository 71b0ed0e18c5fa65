"""Knowledge distillation: targets that other networks, already trained, give for the very images that are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.training.stepper import laid_out
from sievert.errors import NetworkInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from models.networks.classifier import Classifier
    from models.networks.spec import NetworkSpec


class Teachers:
    """Networks that say what they see in each augmented image; their mean becomes part of its target.

    They see the same view as the pupil, which teaches the function and not just its values on the training images.

    Args:
        networks: In any mode; none is a training without teachers.
        share: Of the target that they give, 0 to 1.
        device: Where the images lie.

    Source: Hinton et al., "Distilling the knowledge in a neural network", 2015; Beyer et al., "Knowledge
    distillation: a good teacher is patient and consistent", CVPR 2022.
    """

    def __init__(self, networks: Sequence[Classifier], *, share: float, device: torch.device) -> None:
        self._networks = [network.to(device).eval() for network in networks]
        self._share = share

    @torch.no_grad()
    def soften(self, images: Tensor, targets: Tensor) -> Tensor:
        """Targets, [image, class], moved towards what the teachers say of the images, [image, channel, *place]."""
        if not self._networks:
            return targets
        looked = laid_out(images)
        told = [network(looked)[0].float().softmax(dim=1) for network in self._networks]
        return (1 - self._share) * targets + self._share * torch.stack(told).mean(dim=0)


def check_teacher(teacher: NetworkSpec, pupil: NetworkSpec) -> None:
    """Refuse a teacher that reads or tells something else than its pupil.

    Raises:
        NetworkInputError: Shape, channels or classes differ.
    """
    differing = [name for name in ("shape", "channels", "classes") if getattr(teacher, name) != getattr(pupil, name)]
    if differing:
        raise NetworkInputError(
            f"a teacher ({teacher.arch}) has other {' and '.join(differing)} than the network that it is to teach",
            remedy="Name packages that were trained on the same classes with the same --size and --channels.",
        )
