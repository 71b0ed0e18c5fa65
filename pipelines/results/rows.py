"""Seals the rows of one shard: a data key for each patient, two blobs and a leaf for each input."""

from __future__ import annotations

import json
import os
from typing import Any

from pipelines.results.keystore import DataKey
from pipelines.results.leaves import record_leaf
from pipelines.results.sealing import new_data_key, seal
from pipelines.results.shardfile import SealedRow
from sievert.records import Outcome, Refusal

SALT_BYTES = 32
BLOCK_BYTES = 512
ROOM_BYTES = 1024
"""For the fields below; an explanation of 14 by 14 values takes 350 bytes of it."""
DECISION_FIELDS = frozenset(
    {"diagnosis", "decision", "flagged", "probability", "confidence", "probabilities", "explanation"}
)


class RowSealer:
    """Seals rows of one shard and keeps the data keys that it made for them until they are wrapped.

    Args:
        job: The job's commitment.
    """

    def __init__(self, job: str) -> None:
        self._job = job
        self._keys: dict[str, DataKey] = {}

    @property
    def keys(self) -> list[DataKey]:
        """The data keys so far, and which rows each seals. Once they and this object are gone, nothing here opens."""
        return list(self._keys.values())

    def key_of(self, patient: str) -> DataKey:
        """The patient's data key, made where there is none yet."""
        if patient not in self._keys:
            self._keys[patient] = DataKey(patient, new_data_key(), [])
        return self._keys[patient]

    def seal_identity(self, identity: dict[str, str], *, record: str, patient: str) -> bytes:
        """Seal an input's identity envelope: needs neither its leaf nor its verdict."""
        context = identity_context(self._job, record)
        return bytes(seal(_encoded(identity), key=self.key_of(patient).key, context=context))

    def seal_row(
        self,
        *,
        index: int,
        record: str,
        patient: str,
        payload: dict[str, Any],
        identity: dict[str, str] | bytes,
        refusal: Refusal | None,
    ) -> SealedRow:
        """Seal one input's record and identity envelope.

        Args:
            index: Its leaf.
            record: Its id.
            patient: The pseudonym whose data key seals it.
            payload: The record.
            identity: The identity envelope, or what `seal_identity` has made of it.
            refusal: Why it was quarantined, if it was; this part stays readable.
        """
        key = self.key_of(patient)
        key.indices.append(index)
        sealed = bytes(seal(pad_record(payload), key=key.key, context=record_context(self._job, record)))
        if not isinstance(identity, bytes):
            identity = self.seal_identity(identity, record=record, patient=patient)
        salt = os.urandom(SALT_BYTES)
        leaf = record_leaf(job=self._job, index=index, sealed=sealed, identity=identity, salt=salt)
        return SealedRow(
            index=index,
            record=record,
            outcome=Outcome.QUARANTINED if refusal else Outcome.SCREENED,
            reason=refusal.reason.value if refusal else None,
            explanation=refusal.explanation if refusal else None,
            salt=salt,
            leaf=leaf,
            sealed=sealed,
            identity=identity,
        )


def record_context(job: str, record: str) -> bytes:
    """What a sealed record is bound to; the job's commitment names the model."""
    return f"sievert/record/1|{job}|{record}".encode()


def identity_context(job: str, record: str) -> bytes:
    """What a sealed identity envelope is bound to."""
    return f"sievert/identity/1|{job}|{record}".encode()


def pad_record(payload: dict[str, Any]) -> bytes:
    """A record as JSON, padded with blanks so that its length tells nothing of the decision.

    The length is chosen by what does not depend on the decision alone, with room for the rest.
    """
    neutral = {key: value for key, value in payload.items() if key not in DECISION_FIELDS}
    room = -(-(len(_encoded(neutral)) + ROOM_BYTES) // BLOCK_BYTES) * BLOCK_BYTES
    text = _encoded(payload)
    return text.ljust(room if len(text) <= room else -(-len(text) // BLOCK_BYTES) * BLOCK_BYTES)


def _encoded(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
