"""Learns once more from all that is labelled but the test split, when the validation split has done its work.

What was chosen on the validation split (epoch, temperature, threshold, confidence) is kept, and so are its figures:
they are of the network that had not seen it. Source: Goodfellow et al., "Deep Learning", 2016, section 7.8; nnU-Net
calls it the fold `all`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from models.training.settings import LabelledSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.training.settings import Epoch, TrainingSettings
    from pipelines.labelled.data import LabelledData


def join_splits(data: LabelledData) -> LabelledSet:
    """Training and validation images together; none of them is in both, and none is equal to a test image."""
    tested = {image.tobytes() for image in data.test.images}
    fair = np.array([image.tobytes() not in tested for image in data.validation.images], bool)
    images = np.concatenate([data.train.images, data.validation.images[fair]])
    return LabelledSet(images, np.concatenate([data.train.labels, data.validation.labels[fair]]))


def settings_again(settings: TrainingSettings, epochs: Sequence[Epoch]) -> TrainingSettings:
    """For as many passes as before, to the end: nothing is left to choose an epoch by."""
    return settings.model_copy(update={"epochs": len(epochs), "keep": "last", "patience": 0})


def digest_again(digest: str) -> str:
    """Under which state of the second training is kept, apart from the first one's."""
    return hashlib.sha256(f"{digest} again".encode()).hexdigest()
