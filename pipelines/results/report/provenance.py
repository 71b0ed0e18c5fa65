"""What the results were made from, with what, when; and where the proof of that stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.results.report import formats

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value; digests and addresses are set in a monospaced face."""

    name: str
    value: str
    is_code: bool = False


def describe_provenance(manifest: dict[str, Any]) -> dict[str, list[Fact]]:
    """The facts of a run manifest, by group.

    The keyed hash over the inputs as they were named is left out: it has the form of a record's id, and a report
    holds nothing that could be taken for one.
    """
    header = manifest["header"]
    return {
        "Job": _job(manifest),
        "Model": _model(header),
        "Decision": [Fact(*pair) for pair in _decision(header["decision"])],
        "Admission policy": [Fact(_words(name), _value(value)) for name, value in header["admit"].items()],
        "Run": _run(manifest),
        "Versions": [Fact(name, version) for name, version in manifest["versions"].items()],
    }


def describe_anchor(anchor: Mapping[str, Any]) -> list[Fact]:
    """The facts of anchor.json."""
    kind = "embedded (a local chain)" if anchor["ledger"] == "embedded" else str(anchor["ledger"])
    return [
        Fact("Ledger", kind),
        Fact("Chain id", str(anchor["chain_id"])),
        Fact("Block", formats.count(anchor["block"])),
        Fact("Time", formats.epoch(anchor["time"])),
        Fact("Leaves under the root (records and files)", formats.count(anchor["count"])),
        Fact("Contract", anchor["contract"], is_code=True),
        Fact("Transaction", anchor["transaction"], is_code=True),
        Fact("Sender", anchor["sender"], is_code=True),
        Fact("Root", anchor["root"], is_code=True),
    ]


def _job(manifest: dict[str, Any]) -> list[Fact]:
    header = manifest["header"]
    return [
        Fact("Job", manifest["job"], is_code=True),
        Fact("Input hash", manifest["input_sha256"], is_code=True),
        Fact("Plan hash", header["plan"], is_code=True),
        Fact("Planned", formats.instant(header["created"])),
        Fact("Finished", formats.instant(manifest["run"]["finished"])),
        Fact("Inputs a shard", formats.count(header["shard_size"])),
        Fact("Sealed for the key", header["recipient"], is_code=True),
    ]


def _model(header: dict[str, Any]) -> list[Fact]:
    return [
        Fact("Name", header["model"]["name"]),
        Fact("Version", header["model"]["version"]),
        Fact("Package digest", header["model"]["digest"], is_code=True),
        Fact("Recipe digest", header["recipe"], is_code=True),
    ]


def _decision(rule: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Classes", ", ".join(rule["labels"])),
        ("Positive class", rule["labels"][rule["positive"]]),
        ("Positive from a probability of", formats.probability(rule["threshold"])),
        ("Uncertain below a confidence of", formats.probability(rule["min_confidence"])),
    ]


def _run(manifest: dict[str, Any]) -> list[Fact]:
    run = manifest["run"]
    seeds = ", ".join(f"{name}: {seed}" for name, seed in sorted(run["seeds"].items()))
    return [
        Fact("Workers", formats.count(run["workers"])),
        Fact("Images a forward pass", formats.count(manifest["header"]["batch_size"])),
        Fact("Shards taken over from earlier runs", formats.count(run["resumed_shards"])),
        Fact("Seeds", seeds or "none: nothing was drawn at random"),
        Fact("Platform", manifest["platform"]),
        Fact("Sievert", manifest["header"]["sievert"]),
    ]


def _words(name: str) -> str:
    """`min_side_px` as `min side (px)`."""
    words = name.split("_")
    unit = words.pop() if len(words) > 1 and words[-1] in {"px", "bytes", "bits", "s"} else ""
    text = " ".join(words)
    return f"{text} ({unit})" if unit else text


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return formats.count(value) if isinstance(value, int) else str(value)
