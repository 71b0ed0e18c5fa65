"""The workers that train one network together; one alone where torch has no process group."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True, slots=True)
class Workers:
    """How many there are, and which one this is.

    Attributes:
        rank: Of this worker, from 0.
        count: Of all.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> Workers:
        """Those of torch's process group, or this one alone."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network, averaging its gradients over all workers where there are several."""
        if self.count == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        device = next(network.parameters()).device
        return DistributedDataParallel(
            network,
            device_ids=[device] if device.type == "cuda" else None,
            broadcast_buffers=False,  # each worker's statistics are averaged instead, see `agree`
        )

    def total(self, values: Tensor) -> Tensor:
        """Sum of each value over all workers; the tensor is changed in place."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    @torch.no_grad()
    def agree(self, *networks: nn.Module) -> None:
        """Give all workers the mean of their statistics of batch normalisation: each saw its own images only."""
        if self.count == 1:
            return
        for buffer in (one for network in networks for one in network.buffers() if one.is_floating_point()):
            distributed.all_reduce(buffer)
            buffer.div_(self.count)

    def share(self, chosen: Tensor) -> Tensor:
        """This worker's part of a batch's indices; the parts are equal but for one."""
        return chosen[self.rank :: self.count]


def seed_for(seed: int, *numbers: int) -> int:
    """One seed for a place in training (epoch, worker): so that an epoch can be done again without the ones before.

    Args:
        seed: Of the training.
        numbers: Where in it.
    """
    import numpy as np

    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1, np.uint64)[0] >> 1)


def pick_device() -> torch.device:
    """The GPU where this process has one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
