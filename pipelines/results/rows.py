"""Seals the rows of one shard: a data key for each patient, two blobs and a leaf for each input."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pipelines.results.keystore import WrappedKey, key_context
from pipelines.results.leaves import record_leaf
from pipelines.results.sealing import new_data_key, seal, wrap_key
from pipelines.results.shardfile import SealedRow
from sievert.records import Outcome, Refusal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

SALT_BYTES = 32
BLOCK_BYTES = 512
ROOM_BYTES = 1024
"""For the fields below; an explanation of 14 by 14 values takes 350 bytes of it."""
DECISION_FIELDS = frozenset(
    {"diagnosis", "decision", "flagged", "probability", "confidence", "probabilities", "explanation"}
)


class RowSealer:
    """Seals rows and keeps, wrapped, the data keys that it made for them.

    Args:
        job: The job's commitment.
        shard: Number of the shard.
        attempt: Name of this attempt.
        recipient: Whom data keys are wrapped for; nothing here can open what was sealed once the object is gone.
    """

    def __init__(self, *, job: str, shard: int, attempt: str, recipient: X25519PublicKey) -> None:
        self._job = job
        self._recipient = recipient
        self._context = key_context(job, shard, attempt)
        self._keys: dict[str, bytes] = {}
        self._wrapped: dict[str, WrappedKey] = {}

    @property
    def wrapped(self) -> list[WrappedKey]:
        """The data keys so far, wrapped, and which rows each seals."""
        return list(self._wrapped.values())

    def seal_row(
        self,
        *,
        index: int,
        record: str,
        patient: str,
        payload: dict[str, Any],
        identity: dict[str, str],
        refusal: Refusal | None,
    ) -> SealedRow:
        """Seal one input's record and identity envelope.

        Args:
            index: Its leaf.
            record: Its id.
            patient: The pseudonym whose data key seals it.
            payload: The record.
            identity: The identity envelope.
            refusal: Why it was quarantined, if it was; this part stays readable.
        """
        key = self._key(patient)
        self._wrapped[patient].indices.append(index)
        sealed = seal(pad_record(payload), key=key, context=record_context(self._job, record))
        envelope = seal(_encoded(identity), key=key, context=identity_context(self._job, record))
        salt = os.urandom(SALT_BYTES)
        leaf = record_leaf(job=self._job, index=index, sealed=sealed, identity=envelope, salt=salt)
        return SealedRow(
            index=index,
            record=record,
            outcome=Outcome.QUARANTINED if refusal else Outcome.SCREENED,
            reason=refusal.reason.value if refusal else None,
            explanation=refusal.explanation if refusal else None,
            salt=salt,
            leaf=leaf,
            sealed=sealed,
            identity=envelope,
        )

    def _key(self, patient: str) -> bytes:
        if patient not in self._keys:
            key = self._keys[patient] = new_data_key()
            wrapped = wrap_key(key, recipient=self._recipient, context=self._context)
            self._wrapped[patient] = WrappedKey(patient, wrapped, [])
        return self._keys[patient]


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
