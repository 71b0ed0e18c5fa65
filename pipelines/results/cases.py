"""The most urgent cases of a job, opened, with their pictures: what a clinician should look at first."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.results.explanation import read_explanation
from pipelines.results.opening import open_records
from pipelines.results.outfolder import read_job
from pipelines.results.report import Case
from pipelines.results.sourcepicture import read_picture
from sievert.records import Decision
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.results.keystore import KeyStore
    from pipelines.results.outfolder import OutFolder

_URGENCY = {Decision.POSITIVE.value: 2, Decision.UNCERTAIN.value: 1, Decision.NEGATIVE.value: 0}


def most_urgent(out: OutFolder, keys: KeyStore, count: int) -> list[Case]:
    """Flagged cases, positive before uncertain, the more probable first; fewer where fewer are flagged.

    Args:
        out: A finished job.
        keys: The key store that it was sealed for.
        count: How many at most.

    Raises:
        KeyStoreError: And its kinds; see `open_records`.
        IntegrityError: A record is damaged.
    """
    flagged = (record for record in open_records(out, keys) if record["flagged"])
    urgent = heapq.nlargest(count, flagged, key=lambda record: (_URGENCY[record["decision"]], record["probability"]))
    header = read_job(out)
    policy, target = AdmitSettings(**header.admit), header.decision["labels"][header.decision["positive"]]
    return [_case(record, policy, target) for record in urgent]


def _case(record: dict[str, Any], policy: AdmitSettings, target: str) -> Case:
    shown = record["explanation"]
    return Case(
        record=record["record"],
        patient=record["patient"],
        decision=record["decision"],
        diagnosis=record["diagnosis"],
        probability=record["probability"],
        confidence=record["confidence"],
        target=target,
        reason=_reason(record, target),
        image=_picture(record, policy),
        heat=None if shown is None else read_explanation(shown),
    )


def _reason(record: dict[str, Any], target: str) -> str:
    if record["decision"] == Decision.POSITIVE.value:
        return f"The probability of {target} reaches the threshold of {record['threshold']:.2f}."
    unsure = (
        f"The confidence of {record['confidence']:.2f} is below {record['min_confidence']:.2f}: a person must look."
    )
    return unsure if record["explanation"] is None else f"{unsure} The map shows what speaks for {target}."


def _picture(record: dict[str, Any], policy: AdmitSettings) -> NDArray[np.uint8] | None:
    pixels = read_picture(record, policy)
    return None if pixels is None else _eight_bits(pixels)


def _eight_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    return np.asarray(pixels >> 8 if pixels.dtype == np.uint16 else pixels, dtype=np.uint8)
