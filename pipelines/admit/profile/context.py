"""What the treatment of one object's attributes depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.admit.profile.table import CHARACTERISTICS, DEVICE

if TYPE_CHECKING:
    from pipelines.admit.profile.echoes import Echoes
    from pipelines.admit.profile.remap import Remap
    from sievert.settings import DeidentifySettings


@dataclass(frozen=True, slots=True)
class Context:
    """One object's.

    Attributes:
        remap: The site's keyed functions.
        patient: The patient's pseudonym.
        settings: Which options are on.
        echoes: Words of this object that name somebody.
    """

    remap: Remap
    patient: str
    settings: DeidentifySettings
    echoes: Echoes

    def keeps(self, tag: int) -> bool:
        """Whether an option keeps an attribute that the table names."""
        device = self.settings.retain_device and tag in DEVICE
        return device or (self.settings.retain_characteristics and tag in CHARACTERISTICS)
