"""The network that compares views, and the loss that it is taught by."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from models.networks.classifier import Classifier

BODY = "body."
"""How the names of a body's tensors begin, as in a `Classifier`."""


class ContrastiveNetwork(nn.Module):
    """A classifier's body with a projection in place of its head.

    Args:
        classifier: Gives its body; its head is left out.
        projection: Numbers that come out.

    Source: Chen et al., "A simple framework for contrastive learning of visual representations", ICML 2020.
    """

    def __init__(self, classifier: Classifier, projection: int) -> None:
        super().__init__()
        self.body = classifier.body
        features = _count_features(classifier)
        self.projection = nn.Sequential(
            nn.Linear(features, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Linear(features, projection),
        )

    def forward(self, views: Tensor) -> Tensor:
        """Shape [view, projection], of views [view, channel, *place]."""
        features = self.body(views)
        return cast("Tensor", self.projection(features.flatten(2).mean(dim=2)))

    def body_weights(self) -> dict[str, Tensor]:
        """The body's tensors on the CPU, named as in a `Classifier`."""
        tensors = {name: one for name, one in self.state_dict().items() if name.startswith(BODY)}
        return {name: one.detach().cpu().clone(memory_format=torch.contiguous_format) for name, one in tensors.items()}


def compare_views(projected: Tensor, *, temperature: float) -> Tensor:
    """NT-Xent: each view must be likest to the other view of its image, among all other views of the batch.

    Our own, because MONAI's ContrastiveLoss holds a tensor of [view, view, projection], which takes it a hundred times
    as long, and overflows at a temperature of 0.01.

    Args:
        projected: Shape [2 * image, projection], first views before second ones; at least two images.
        temperature: By which likenesses are divided, above 0.

    Returns:
        The mean loss, a scalar.

    Source: Chen et al., ICML 2020, equation 1.
    """
    directions = functional.normalize(projected.float(), dim=1)
    likeness = directions @ directions.T / temperature
    itself = torch.eye(len(likeness), dtype=torch.bool, device=likeness.device)
    partner = torch.arange(len(likeness), device=likeness.device).roll(len(likeness) // 2)
    return functional.cross_entropy(likeness.masked_fill(itself, float("-inf")), partner)


@torch.no_grad()
def _count_features(classifier: Classifier) -> int:
    spec, training = classifier.spec, classifier.training
    features = classifier.eval().body(torch.zeros(1, spec.channels, *spec.shape))
    classifier.train(training)
    return int(features.shape[1])
