"""Groups the parts of a body into the stages that freezing and layer-wise learning rates go by."""

from __future__ import annotations

from torch import nn


def group_stages(body: nn.Module, *groups: tuple[str, ...]) -> list[nn.Module]:
    """One module a group, which holds the body's own parts.

    Args:
        body: Of a network.
        groups: Names of submodules, dotted, from the input up.
    """
    return [nn.Sequential(*[body.get_submodule(name) for name in names]) for names in groups]
