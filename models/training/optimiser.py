"""What moves the weights: parameter groups, schedule, loss, averaging."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.networks.classifier import Classifier
    from models.training.settings import TrainingSettings

FINAL_SHARE = 1e-4
"""Of the peak rate, where a cosine schedule ends."""


def freeze_stages(network: Classifier, stages: int) -> None:
    """Let the first stages learn nothing; what is in no stage counts to the first.

    Args:
        network: Changed in place.
        stages: How many, from the input up.

    Raises:
        NetworkInputError: It has fewer.
    """
    from sievert.errors import NetworkInputError

    if stages > len(network.stages):
        raise NetworkInputError(
            f"{network.spec.arch} has {len(network.stages)} stages; {stages} cannot be frozen", remedy="Lower --freeze."
        )
    for parameter, stage in _stage_of(network).items():
        parameter.requires_grad_(stage >= stages)


def keep_frozen_still(network: Classifier) -> None:
    """Put frozen stages in evaluation mode, so that their batch norms do not follow the new data."""
    for stage in network.stages:
        if not any(parameter.requires_grad for parameter in stage.parameters()):
            stage.eval()


def make_optimiser(network: Classifier, settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW with a group for each stage and kind of parameter.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019; Howard and Ruder, "Universal
    language model fine-tuning", ACL 2018 (rates that fall with the distance from the head).
    """
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for parameter, stage in _stage_of(network).items():
        if parameter.requires_grad:
            # Biases, scales and norms have one dimension: decaying them only fights the normalisation.
            groups.setdefault((stage, parameter.ndim > 1), []).append(parameter)
    top = len(network.stages)
    described: list[dict[str, Any]] = [
        {
            "params": parameters,
            "lr": settings.learning_rate * settings.layer_decay ** (top - stage),
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for (stage, decays), parameters in groups.items()
    ]
    return torch.optim.AdamW(described, lr=settings.learning_rate)


def make_schedule(
    optimiser: torch.optim.Optimizer, settings: TrainingSettings, *, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The schedule over all steps of the training.

    Source: Smith and Topin, "Super-convergence", 2018; Loshchilov and Hutter, "SGDR", ICLR 2017.
    """
    if settings.schedule == "cosine":
        rising = max(int(steps * settings.warm_up), 1)
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _cosine(step, rising, steps))
    peaks = [group["lr"] for group in optimiser.param_groups]
    # PyTorch divides by the steps of the rise less one, and by those of the fall: there must be two and one.
    total = max(steps, 3)
    warm_up = settings.warm_up if settings.warm_up * total > 1 else 2 / total
    return torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=peaks, total_steps=total, pct_start=warm_up)


def _cosine(step: int, rising: int, steps: int) -> float:
    """The share of a group's own peak rate: one sum for all groups, so that a low one ends low as well."""
    if step < rising:
        return (1 + (1 - 1 / rising) * step) / rising
    done = min((step - rising) / max(steps - rising, 1), 1)
    return FINAL_SHARE + (1 - FINAL_SHARE) * (1 + math.cos(math.pi * done)) / 2


def make_loss(settings: TrainingSettings, counts: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Loss of logits against targets, both [image, class]; the targets are shares that add up to 1.

    Args:
        settings: Kind, smoothing and weighting.
        counts: Shape [class], training images of each class.

    Source: Lin et al., "Focal loss for dense object detection", ICCV 2017.
    """
    weights = weigh_classes(counts, power=settings.class_weighting)
    if settings.loss == "cross-entropy":
        return lambda logits, targets: functional.cross_entropy(
            logits, targets, weight=weights.to(logits), label_smoothing=settings.label_smoothing
        )
    from monai.losses import FocalLoss

    focal = FocalLoss(use_softmax=True, gamma=settings.focal_gamma, weight=weights, reduction="none").to(counts.device)
    share = settings.label_smoothing

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return cast("Tensor", focal(logits, targets * (1 - share) + share / targets.shape[1]).sum(dim=1).mean())

    return loss


def weigh_classes(counts: Tensor, *, power: float) -> Tensor:
    """Weights, shape [class], with which classes count by the power of how rare they are; 1 on average over images."""
    rare = (counts.sum() / (len(counts) * counts.clamp(min=1))) ** power
    return (rare * counts.sum() / (rare * counts).sum()).float()


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential average that forgets the first steps, when weights still say little, faster.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    def average(kept: Any, new: Any, steps: Any) -> None:  # noqa: ANN401 - torch's own callback has wider types
        share = min(decay, (1 + int(steps)) / (10 + int(steps)))
        if kept[0].is_floating_point():
            torch._foreach_lerp_(kept, new, 1 - share)
        else:  # counters of batch normalisation
            torch._foreach_copy_(kept, new)

    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def _stage_of(network: Classifier) -> dict[nn.Parameter, int]:
    """Each parameter's stage, in the network's order; the head's is one above the last."""
    found = {parameter: number for number, stage in enumerate(network.stages) for parameter in stage.parameters()}
    head = {parameter: len(network.stages) for parameter in network.head.parameters()}
    return {parameter: head.get(parameter, found.get(parameter, 0)) for parameter in network.parameters()}
