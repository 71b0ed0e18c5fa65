"""The proof of one record: a small file that anyone can check against the anchored root, without a key.

It says: the ciphertext with this hash stands at this place of this job, and the job's root over all its leaves stands
on that chain, in that contract, in that transaction. It names no patient and no record: whoever may open the record
finds job and index in it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pipelines.results.leaves import leaf_of
from pipelines.results.paths import root_of_path
from pipelines.results.tree import HASH_BYTES
from sievert.errors import AnchorError, ProofError

if TYPE_CHECKING:
    from pipelines.results.ledger.anchor import Anchor

PROOF_SCHEMA = "sievert.proof/1"
MOST_BYTES = 8192
"""A proof of 2^64 leaves is smaller; more is not read."""
_COUNT_BITS = 64


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof says.

    Attributes:
        job: The job's commitment, 64 hexadecimal digits, as all hashes.
        index: Place of the record in the job's plan.
        size: Leaves of the job's tree: records and files.
        ciphertext: SHA-256 over the record's two sealed blobs, each behind its length.
        salt: Of the leaf.
        path: The audit path from the leaf up, in base64: 32 bytes a level.
        root: Where the path leads.
        ledger: `embedded` or `rpc`.
        chain_id: Of the chain (EIP-155).
        contract: The registry's address.
        code_hash: Keccak-256 of the registry's code.
        transaction: The transaction that anchored the job.
        block: Its block's number.
        time: That block's time, seconds since 1970.
        schema: Version of the format.
    """

    job: str
    index: int
    size: int
    ciphertext: str
    salt: str
    path: str
    root: str
    ledger: str
    chain_id: int
    contract: str
    code_hash: str
    transaction: str
    block: int
    time: int
    schema: str = PROOF_SCHEMA

    def encoded(self) -> bytes:
        """The file's bytes: JSON."""
        return (json.dumps({field.name: getattr(self, field.name) for field in fields(self)}, indent=0) + "\n").encode()


def read_proof(content: bytes) -> Proof:
    """A proof from its file; nothing is believed yet but its form.

    Raises:
        ProofError: It is no proof, or of a version that this release does not know.
    """
    try:
        values = json.loads(content[: MOST_BYTES + 1])
        proof = Proof(**values)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProofError("the file is no proof of Sievert's") from error
    if len(content) > MOST_BYTES or proof.schema != PROOF_SCHEMA or not _well_formed(proof):
        raise ProofError("the file is no proof that this release can read")
    return proof


def root_of_proof(proof: Proof) -> str:
    """Follow the path from the leaf; offline, and without a key.

    Raises:
        ProofError: The path leads elsewhere than the proof says, or nowhere.
        IntegrityError: The path cannot be one of such a tree.
    """
    leaf = leaf_of(
        job=proof.job, index=proof.index, ciphertext=bytes.fromhex(proof.ciphertext), salt=bytes.fromhex(proof.salt)
    )
    root = root_of_path(leaf, _hashes(proof.path), index=proof.index, size=proof.size).hex()
    if root != proof.root:
        raise ProofError("the proof does not hold: its path does not lead to its root")
    return root


def hold_against(proof: Proof, anchor: Anchor) -> None:
    """Hold what a proof says of its anchor against what the ledger says.

    Raises:
        AnchorError: They differ.
    """
    said = (proof.root, proof.size, proof.chain_id, proof.contract, proof.code_hash)
    if said != (anchor.root.hex(), anchor.count, anchor.chain_id, anchor.contract, anchor.code_hash):
        raise AnchorError("the ledger holds another root for the proof's job")
    if (proof.transaction, proof.block, proof.time) != (anchor.transaction, anchor.block, anchor.time):
        raise AnchorError("the ledger anchored the proof's job at another place")


def _hashes(path: str) -> list[bytes]:
    content = b64decode(path, validate=True)
    return [content[place : place + HASH_BYTES] for place in range(0, len(content), HASH_BYTES)]


def _well_formed(proof: Proof) -> bool:
    numbers = (proof.index, proof.size, proof.chain_id, proof.block, proof.time)
    hashes = (proof.job, proof.ciphertext, proof.salt, proof.root)
    texts = (proof.ledger, proof.contract, proof.code_hash, proof.transaction)
    return (
        all(type(number) is int and 0 <= number < 1 << _COUNT_BITS for number in numbers)
        and all(_is_hash(value) for value in hashes)
        and all(isinstance(text, str) for text in texts)
        and _is_path(proof.path)
    )


def _is_hash(value: Any) -> bool:  # noqa: ANN401 - whatever stands there
    return isinstance(value, str) and len(value) == 2 * HASH_BYTES and not set(value) - set("0123456789abcdef")


def _is_path(value: Any) -> bool:  # noqa: ANN401 - whatever stands there
    try:
        return isinstance(value, str) and len(b64decode(value, validate=True)) % HASH_BYTES == 0
    except ValueError:
        return False
