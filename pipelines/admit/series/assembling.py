"""Puts the slices of one series together, or says why they make no volume that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.admit.series.geometry import Stack, stack_planes
from pipelines.admit.series.volume import Volume, build_volume
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.admit.series.slices import Slice
    from sievert.settings import AdmitSettings

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Assembled:
    """A volume and how its slices lay.

    Attributes:
        volume: It.
        stack: Of the slices that it was made of.
    """

    volume: Volume
    stack: Stack


def assemble(slices: Sequence[Slice], policy: AdmitSettings) -> Assembled | Refusal:
    """Make a volume of a series.

    Args:
        slices: In any order.
        policy: Whether uneven gaps and a tilt are resampled or refused, and how many voxels there may be.
    """
    if len(slices) < _FEWEST:
        return Refusal(Reason.COMPLIANCE_GEOMETRY, "It is a single slice.")
    stack = stack_planes([one.plane for one in slices])
    if isinstance(stack, str):
        return Refusal(Reason.COMPLIANCE_GEOMETRY, stack)
    if refusal := _check(stack, policy):
        return refusal
    values = np.stack([slices[place].values for place in stack.order])
    return Assembled(build_volume(stack, values), stack)


def _check(stack: Stack, policy: AdmitSettings) -> Refusal | None:
    gaps = stack.gaps_mm
    if not stack.is_even and policy.uneven_slices == "refuse":
        return Refusal(Reason.COMPLIANCE_UNEVEN_SLICES, f"Gaps are between {min(gaps):.2f} and {max(gaps):.2f} mm.")
    if max(gaps) > policy.max_gap * float(np.median(gaps)):
        return Refusal(Reason.COMPLIANCE_GEOMETRY, f"Slices are missing: one gap is {max(gaps):.2f} mm.")
    if not stack.is_upright and policy.tilted_gantry == "refuse":
        return Refusal(Reason.COMPLIANCE_TILTED, f"The tilt is {stack.tilt_deg:.1f} degrees.")
    planes = sum(gaps) / float(np.median(gaps))
    if planes * stack.planes[0].shape[0] * stack.planes[0].shape[1] > policy.max_voxels:
        return Refusal(Reason.FORMAT_TOO_LARGE)
    return None
