"""What a ledger says of one job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anchor:
    """A job's root on a ledger, and where it stands there.

    Attributes:
        job: The job's id, 32 bytes.
        root: The Merkle root over the job's leaves, 32 bytes.
        count: How many leaves the root covers, below 2^40.
        chain_id: The chain's id (EIP-155).
        contract: The registry's address, `0x…` with checksum (EIP-55).
        code_hash: Keccak-256 of the registry's runtime code, `0x…`.
        block: Number of the block that holds the transaction.
        time: That block's time, seconds since 1970.
        transaction: The transaction's hash, `0x…`.
        sender: Who signed it, `0x…` with checksum.
        kind: What sort of ledger: `embedded` for a local chain, which whoever holds its file can rewrite.
    """

    job: bytes
    root: bytes
    count: int
    chain_id: int
    contract: str
    code_hash: str
    block: int
    time: int
    transaction: str
    sender: str
    kind: str
