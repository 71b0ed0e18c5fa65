"""In what precision the forward pass runs, and the gradient scaler that half precision needs."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Mixed precision on one device.

    Args:
        name: `fp32`, `bf16`, `fp16`, or `auto`: on a GPU bf16 where it has it, else fp16; on a CPU fp32.
        device: Where the network runs.

    Attributes:
        scaler: Scales the loss in fp16, does nothing otherwise.

    Source: Micikevicius et al., "Mixed precision training", ICLR 2018.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        if name == "auto":
            name = _best(device)
        self._type = _TYPES.get(name)
        self._device = device.type
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def context(self) -> contextlib.AbstractContextManager[Any]:
        """Around the forward pass."""
        if self._type is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device, dtype=self._type)


def _best(device: torch.device) -> str:
    if device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def quick_on_cpu() -> str:
    """`bf16` where this machine's processor multiplies it natively, else `auto`: elsewhere it is slower than fp32."""
    can = torch.cpu.get_capabilities()
    return "bf16" if can.get("avx512_bf16") or can.get("amx_bf16") else "auto"
