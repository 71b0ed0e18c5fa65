"""`anchor.json`: what the ledger says of the job, in one canonical form that can be held against the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipelines.results.ledger.anchor import Anchor
from pipelines.results.outfolder import canonical_json
from sievert.errors import IntegrityError

if TYPE_CHECKING:
    from pipelines.results.outfolder import OutFolder

ANCHOR_SCHEMA = "sievert.anchor/1"
_AS_THEY_ARE = ("count", "chain_id", "contract", "code_hash", "transaction", "block", "time", "sender")
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


def read_anchor(out: OutFolder, job: str) -> Anchor | None:
    """The anchor that the folder of a finished job holds; None where it is not anchored yet.

    That the ledger says the same, `verify_job` proves.

    Args:
        out: The folder.
        job: The job's commitment, 64 hexadecimal digits.

    Raises:
        IntegrityError: It is damaged, another job's, or of another root than `files.json`.
    """
    try:
        content, files = out.anchor.read_bytes(), json.loads(out.files.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _not_as_written() from error
    try:
        told = json.loads(content)
        anchor = Anchor(
            job=bytes.fromhex(told["job"]),
            root=bytes.fromhex(told["root"]),
            kind=told["ledger"],
            **{name: told[name] for name in _AS_THEY_ARE},
        )
        sound = encode_anchor(anchor) == content and anchor.job.hex() == job and anchor.root.hex() == files["root"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_as_written() from error
    if not sound:
        raise _not_as_written()
    return anchor


def _not_as_written() -> IntegrityError:
    return IntegrityError("anchor.json or files.json is not as it was written", remedy="See `sievert verify DIR`.")
