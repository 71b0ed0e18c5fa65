"""The page that checks proofs in a browser: one file, no network, its script and style named by hash in its policy."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from importlib import resources

from pipelines.results.leaves import RECORD_LEAF
from pipelines.results.ledger.registry import ANCHORED_EVENT, TAG_BYTES, anchored_call, load_registry
from pipelines.results.proofs.proof import PROOF_SCHEMA
from sievert import __version__

_NODES = "https: http://127.0.0.1:* http://localhost:*"
_NOTHING = "nothing is sent anywhere, and no key is needed."
_ASKED = "no key is needed, and nothing is sent anywhere but, to the node that you name, the job and the contract."
_NODE = """<label for="node">or a node of the chain, to be asked</label>
<input id="node" type="url" spellcheck="false" autocomplete="off" placeholder="https://…">
<button id="ask" type="button">Ask the node</button>"""


def render_page(*, asks: bool = False) -> str:
    """The page as HTML. It takes a proof and, behind the `#` of its address or by hand, a root to trust.

    Args:
        asks: Whether it may ask a node, too. Without it, its policy forbids it to connect anywhere.
    """
    script, style = _script(asks=asks), _style()
    parts = {
        "connect": f"connect-src {_NODES}; " if asks else "",
        "sent": _ASKED if asks else _NOTHING,
        "node": _NODE if asks else "",
        "script_hash": _source_hash(script),
        "style_hash": _source_hash(style),
        "sievert": __version__,
        "style": style,
        "script": script,
    }
    page = _read("verifier.html")
    for name, value in parts.items():
        page = page.replace(f"{{{{ {name} }}}}", value)
    return page


def _script(*, asks: bool) -> str:
    constants: dict[str, object] = {"PROOF_SCHEMA": PROOF_SCHEMA, "RECORD_LEAF": RECORD_LEAF.decode(), "ASKS": asks}
    if asks:
        constants |= _registry()
    told = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return told + (_read("asking.js") if asks else "") + _read("verifier.js")


def _registry() -> dict[str, object]:
    """What the page must know of the contract: its code, and how it is asked."""
    from eth_utils import keccak

    registry = load_registry()
    return {
        "CODE_SHA256": registry.code_sha256,
        "CODE_HASH": registry.code_hash,
        "ANCHORED_CALL": "0x" + anchored_call(bytes(32))[:4].hex(),
        "ANCHORED_TOPIC": "0x" + keccak(text=ANCHORED_EVENT).hex(),
        "TAG_DIGITS": 2 * TAG_BYTES,
    }


def _style() -> str:
    """The report's colours, and the page's own rules."""
    palette = resources.files("pipelines.results.report").joinpath("templates", "palette.css")
    return palette.read_text("utf-8") + _read("verifier.css")


def _read(name: str) -> str:
    return resources.files("pipelines.results.proofs").joinpath(name).read_text("utf-8")


def _source_hash(text: str) -> str:
    """As Content Security Policy Level 3 names an inline source."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
