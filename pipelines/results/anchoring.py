"""`anchor.json`: what the ledger says of the job, in one canonical form that can be held against the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.results.outfolder import canonical_json

if TYPE_CHECKING:
    from pipelines.results.ledger.anchor import Anchor

ANCHOR_SCHEMA = "sievert.anchor/1"
EMBEDDED_NOTE = "local ledger: tamper-evident only to who keeps a copy of the root"


def encode_anchor(anchor: Anchor) -> bytes:
    """The file's bytes."""
    return canonical_json(
        {
            "schema": ANCHOR_SCHEMA,
            "ledger": anchor.kind,
            "job": anchor.job.hex(),
            "root": anchor.root.hex(),
            "count": anchor.count,
            "chain_id": anchor.chain_id,
            "contract": anchor.contract,
            "code_hash": anchor.code_hash,
            "transaction": anchor.transaction,
            "block": anchor.block,
            "time": anchor.time,
            "sender": anchor.sender,
            "note": EMBEDDED_NOTE if anchor.kind == "embedded" else "",
        }
    )
