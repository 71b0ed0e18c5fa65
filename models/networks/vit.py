"""Vision transformers, from MONAI's blocks."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from torch import Tensor, nn

from models.networks.architecture import Architecture, NetworkOptions
from models.networks.classifier import Classifier
from models.networks.drop_path import drop_paths
from models.networks.space import COMMON, Choice, Float
from models.networks.stages import group_stages

if TYPE_CHECKING:
    from models.networks.spec import NetworkSpec

SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}
"""Channels and heads. Source: Touvron et al., table 1; base is ViT-B of Dosovitskiy et al."""

DEPTH = 12
"""Blocks, at every size."""

STAGES = (
    ("patch_embedding",),
    *(tuple(f"blocks.{number}" for number in range(start, start + 4)) for start in (0, 4)),
    (*(f"blocks.{number}" for number in range(8, DEPTH)), "norm"),
)
"""The embedding, and the blocks in three parts, the last with the norm behind it."""


class ViTOptions(NetworkOptions):
    """Options of a vision transformer.

    Attributes:
        size: How wide it is.
        drop_path: Share of images for which the last residual branch is left out in training.
    """

    size: Literal["tiny", "small", "base"] = "tiny"
    drop_path: float = Field(default=0.1, ge=0, lt=1)


class ToMap(nn.Module):
    """Puts tokens back to where their patches lay.

    Args:
        grid: Patches along each axis.
    """

    def __init__(self, grid: tuple[int, ...]) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, tokens: Tensor) -> Tensor:
        """Shape [image, token, channel] to [image, channel, *grid]."""
        images, _, channels = tokens.shape
        return tokens.transpose(1, 2).reshape(images, channels, *self.grid)


def build_vit(spec: NetworkSpec) -> Classifier:
    """A ViT whose patch tokens are pooled, with no class token, so that Grad-CAM explains it exactly.

    Patches are 16 px where the side is at least 128 px; below, a seventh of it, so 28 px give 7 patches of 4. What is
    left over at the end of a side is not read.

    Source of the pooling: Zhai et al., "Scaling vision transformers", CVPR 2022, section 3.1.
    """
    options = ViTOptions.model_validate(spec.options)
    body = _make_body(spec, size=options.size)
    branches = [f"blocks.{number}.{part}" for number in range(DEPTH) for part in ("attn", "mlp")]
    drop_paths([body.get_submodule(name) for name in branches], share=options.drop_path)
    features, stages = SIZES[options.size][0], group_stages(body, *STAGES)
    return Classifier(spec, body, features=features, stages=stages, dropout=options.dropout)


def patch_size(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Side of a patch along each axis, in pixels."""
    return tuple(16 if side >= 128 else side // 7 for side in shape)  # noqa: PLR2004 - stands in the docstring above


def _make_body(spec: NetworkSpec, *, size: str) -> nn.Sequential:
    from monai.networks.blocks.patchembedding import PatchEmbeddingBlock

    (width, heads), patch = SIZES[size], patch_size(spec.shape)
    grid = tuple(side // step for side, step in zip(spec.shape, patch, strict=True))
    embedding = PatchEmbeddingBlock(spec.channels, spec.shape, patch, width, heads, spatial_dims=spec.rank)
    blocks = nn.Sequential(*[_make_block(width, heads) for _ in range(DEPTH)])
    parts = {"patch_embedding": embedding, "blocks": blocks, "norm": nn.LayerNorm(width), "map": ToMap(grid)}
    return nn.Sequential(OrderedDict(parts))


def _make_block(width: int, heads: int) -> nn.Module:
    from monai.networks.blocks.transformerblock import TransformerBlock

    block: nn.Module = TransformerBlock(width, 4 * width, heads, qkv_bias=True, use_flash_attention=True)
    # MONAI makes a norm that nothing reads without cross-attention; a parameter without gradient stops DDP.
    block.norm_cross_attn = nn.Identity()
    return block


VIT = Architecture(
    name="vit",
    title="Vision transformer",
    source=(
        'Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021; Touvron et al., "Training data-efficient '
        'image transformers", ICML 2021'
    ),
    ranks=(2, 3),
    build=build_vit,
    settings=ViTOptions,
    starts={"training.learning_rate": 5e-4},
    space=COMMON
    | {
        "training.learning_rate": Float(1e-4, 3e-3, log=True),
        "network.size": Choice(("tiny", "small")),
        "network.drop_path": Float(0.0, 0.3),
    },
)
