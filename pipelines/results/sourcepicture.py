"""The picture of a record, read again from its source, if that still holds what was screened."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipelines.admit.admission import admit
from pipelines.admit.reading import read_source
from pipelines.admit.scope import Scope
from sievert.records import PlannedInput, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from sievert.settings import AdmitSettings


def read_picture(record: Mapping[str, Any], policy: AdmitSettings) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    """The pixels as they were screened; None where the source is gone, holds something else, or is not admitted.

    Args:
        record: Of a screened input, with the `source` of its identity envelope.
        policy: The job's.

    Returns:
        Shape [row, column], brighter is denser.

    Raises:
        StorageError: An object store does not answer.
    """
    content = read_source(record["source"], max_bytes=policy.max_file_bytes)
    if isinstance(content, Refusal) or sha256(content).hexdigest() != record["content_sha256"]:
        return None
    planned = PlannedInput(record["index"], record["source"])
    scope = Scope((record["modality"],), (record["body_part"],))
    seen = admit(content, planned, scope=scope, policy=policy.model_copy(update={"undeclared": "assume"})).outcome
    return None if isinstance(seen, Refusal) else seen.pixels
