"""Compiles `registry.vy` into `registry.json`; run by hand when the contract changes.

    python -m pipelines.results.ledger.compile_registry

Vyper is a development extra: at run time only the JSON is read.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

_FOLDER = resources.files("pipelines.results.ledger")
_FORMATS = ["abi", "bytecode", "bytecode_runtime", "method_identifiers"]


def compile_registry() -> dict[str, Any]:
    """What `registry.json` holds, compiled anew; equal sources give equal results.

    Raises:
        ModuleNotFoundError: Vyper is not installed (extra `ledger-dev`).
    """
    import vyper
    from eth_utils import keccak, to_hex
    from vyper.compiler import compile_code

    source = _FOLDER.joinpath("registry.vy").read_bytes()
    built = compile_code(source.decode(), output_formats=_FORMATS)
    return {
        "compiler": f"vyper {vyper.__version__}",
        "source_sha256": hashlib.sha256(source).hexdigest(),
        "code_hash": to_hex(keccak(hexstr=built["bytecode_runtime"])),
        "code_sha256": hashlib.sha256(bytes.fromhex(built["bytecode_runtime"].removeprefix("0x"))).hexdigest(),
        "selectors": built["method_identifiers"],
        "abi": built["abi"],
        "bytecode": built["bytecode"],
    }


def write_registry(target: Path) -> None:
    """Compile and write the JSON to `target`."""
    target.write_text(json.dumps(compile_registry(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_registry(Path(__file__).with_name("registry.json"))
