"""The page that checks proofs in a browser: one file, no network, its script and style named by hash in its policy."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from importlib import resources

from pipelines.results.leaves import RECORD_LEAF
from pipelines.results.proofs.proof import PROOF_SCHEMA
from sievert import __version__


def render_page() -> str:
    """The page as HTML. It takes a proof and, behind the `#` of its address or by hand, a root to trust."""
    script, style = _script(), _style()
    parts = {
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


def _script() -> str:
    constants = {"PROOF_SCHEMA": PROOF_SCHEMA, "RECORD_LEAF": RECORD_LEAF.decode()}
    told = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return told + _read("verifier.js")


def _style() -> str:
    """The report's colours, and the page's own rules."""
    palette = resources.files("pipelines.results.report").joinpath("templates", "palette.css")
    return palette.read_text("utf-8") + _read("verifier.css")


def _read(name: str) -> str:
    return resources.files("pipelines.results.proofs").joinpath(name).read_text("utf-8")


def _source_hash(text: str) -> str:
    """As Content Security Policy Level 3 names an inline source."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
