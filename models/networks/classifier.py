"""The shape that every network of the zoo has: a body that makes a feature map, and a head that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec

HEAD_TENSOR = "head.weight"
"""Name of a linear head's weights in the state of a network, shape [class, channel]."""


class Classifier(nn.Module):
    """A body, dropout, and a head over the pooled feature map.

    A linear head over global average pooling lets `models.gradcam` explain a class exactly.

    Args:
        spec: What was asked for.
        body: From [image, channel, *shape] to the feature map [image, feature, *place].
        features: Channels of that map.
        stages: The body's parts from the input up, each parameter in at most one; freezing and discriminative
            learning rates go by them. What is in none counts to the first.
        dropout: Share of pooled channels dropped in training, 0 to 1.
        head: From the map itself to logits, where it is no linear layer over the pooled map; such a network has
            no exact Grad-CAM.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        body: nn.Module,
        *,
        features: int,
        stages: list[nn.Module],
        dropout: float = 0.2,
        head: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.linear = head is None
        self.head = nn.Linear(features, spec.classes) if head is None else head
        self._stages = tuple(stages)  # no module list: the body owns them already

    @property
    def stages(self) -> list[nn.Module]:
        """The body's parts from the input up."""
        return list(self._stages)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and the map that they were read from.

        Args:
            image: Shape [image, channel, *shape], as the spec says.

        Returns:
            Shapes [image, class] and [image, feature, *place].
        """
        features = self.body(image)
        if not self.linear:
            return self.head(features), features
        return self.head(self.dropout(self.pool(features))), features

    @staticmethod
    def pool(features: Tensor) -> Tensor:
        """Mean over all places: [image, feature, *place] to [image, feature]."""
        return features.flatten(2).mean(dim=2)
