"""A record as facts to be read: what is known by name first, then everything else that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Facts = list[tuple[str, str]]
_SHOWN_ELSEWHERE = frozenset(
    {"identity", "diagnosis", "decision", "probability", "confidence", "threshold", "min_confidence", "outcome"}
)
_NAMES = {
    "PatientID": "Patient ID",
    "IssuerOfPatientID": "Issuer of patient ID",
    "AccessionNumber": "Accession number",
    "StudyInstanceUID": "Study UID",
    "SeriesInstanceUID": "Series UID",
    "SOPInstanceUID": "Image UID",
    "patient": "Patient in the manifest",
}
_LONGEST = 400
_DEEPEST = 4


def identity_facts(record: Mapping[str, Any]) -> Facts:
    """Who the patient is, by what the identity envelope holds; not where the file lies."""
    told = _table(record.get("identity"))
    named = [(title, str(told[name])) for name, title in _NAMES.items() if told.get(name)]
    others = [(name, str(value)) for name, value in told.items() if name not in {*_NAMES, "source"} and value]
    return [*named, ("Pseudonym", str(record.get("patient", ""))), *others]


def provenance_facts(record: Mapping[str, Any], *, planned: str) -> Facts:
    """With what the answer was made.

    Args:
        record: In clear.
        planned: When the job was planned.
    """
    model = _table(record.get("model"))
    facts = [
        ("Model", f"{model.get('name', '')} {model.get('version', '')}".strip()),
        ("Model digest", str(model.get("digest", ""))),
        ("Recipe", str(record.get("recipe", ""))),
        ("Sievert", str(record.get("sievert", ""))),
        ("Planned", planned),
        ("Job", str(record.get("job", ""))),
        ("Place in the plan", str(record.get("index", ""))),
        ("Threshold", _number(record.get("threshold"))),
        ("Least confidence", _number(record.get("min_confidence"))),
        ("SHA-256 of the input", str(record.get("content_sha256", ""))),
    ]
    return [(name, value) for name, value in facts if value]


def all_facts(record: Mapping[str, Any]) -> Facts:
    """Everything else, flat: `attributes.ViewPosition`, and whatever later versions add."""
    shown = {name: value for name, value in record.items() if name not in _SHOWN_ELSEWHERE}
    return [(name, text[:_LONGEST] + ("…" if len(text) > _LONGEST else "")) for name, text in _flat(shown, "", 0)]


def new_facts(record: Mapping[str, Any]) -> Facts:
    """Scores that stand beside the probability: numbers and words of a record that this page does not know by name."""
    return [
        (_title(name), _number(value) if isinstance(value, float) else str(value))
        for name, value in record.items()
        if name not in _KNOWN and isinstance(value, str | int | float)
    ] + [(_title(name), _number(value)) for name, value in _table(record.get("quality")).items()]


_KNOWN = _SHOWN_ELSEWHERE | frozenset(
    "schema sievert job index record patient content_sha256 model recipe modality body_part declared_by rows columns "
    "attributes removed_attributes quality masked flagged probabilities explanation reason time".split()
)


def _flat(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "none"
    elif name.endswith("_base64"):
        yield name, f"{len(str(value))} characters"
    elif value is not None:
        yield name, "none" if value == {} else str(value)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""
