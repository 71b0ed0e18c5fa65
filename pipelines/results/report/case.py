"""One image that a report shows on demand; a report holds none unless it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One screened image, opened for a person.

    Attributes:
        record: Its id, 32 hexadecimal digits.
        patient: The patient's pseudonym, 32 hexadecimal digits.
        decision: Negative, positive or uncertain, as in `sievert.records.Decision`.
        diagnosis: The label, or the sentence that asks for a person.
        probability: Of the positive class, 0 to 1.
        confidence: Of what would be decided, 0 to 1.
        target: The class that the map is for.
        reason: One sentence: why it is shown.
        image: Shape [row, column], brighter is denser; None where the source is gone.
        heat: Grad-CAM map, shape [row, column], 0 to 1, usually far smaller than the image; None where there is none.
    """

    record: str
    patient: str
    decision: str
    diagnosis: str
    probability: float
    confidence: float
    target: str
    reason: str
    image: NDArray[np.uint8] | None = field(repr=False)
    heat: NDArray[np.float32] | None = field(repr=False)
