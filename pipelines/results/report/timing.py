"""Where the time went, and how fast the run was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.results.report import formats

STAGES = {
    "read": "bytes from the disk or the store",
    "admit": "decode, check, de-identify",
    "preprocess": "the model's recipe",
    "predict": "the network",
    "decide": "probability to decision",
    "explain": "Grad-CAM of what is flagged",
    "seal": "encrypt and hash",
    "store": "write and commit",
}
"""The stages in the order in which an image goes through them, and what each does."""

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: time over all workers, time an image and share as text, and its bar in percent of the longest."""

    name: str
    note: str
    seconds: str
    each_ms: str
    share: str
    width: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Stages, their sum over all workers as text, the sum an image, and facts of the run, name by value."""

    stages: list[Stage]
    seconds: str
    each_ms: str
    facts: list[tuple[str, str]]


def describe_timing(manifest: dict[str, Any]) -> Timing:
    """The times of a run manifest."""
    spent, planned = manifest["counts"]["stage_s"], manifest["header"]["planned"]
    total, longest = sum(spent.values()), max(spent.values(), default=0.0)
    names = [name for name in STAGES if name in spent] + sorted(spent.keys() - STAGES.keys())
    stages = [
        Stage(
            name=name,
            note=STAGES.get(name, ""),
            seconds=formats.decimal(spent[name]),
            each_ms=_each_ms(spent[name], planned),
            share=formats.share(spent[name], total),
            width=round(100 * spent[name] / longest, 3) if longest else 0.0,
        )
        for name in names
    ]
    return Timing(stages, formats.decimal(total), _each_ms(total, planned), _facts(manifest))


def speed(manifest: dict[str, Any]) -> str:
    """Images a second of this run; a dash where this run screened none."""
    return formats.decimal(manifest["images_per_second"]) if manifest["run"]["images"] else "–"


def _facts(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    run, each_s = manifest["run"], manifest["images_per_second"]
    if not run["images"]:
        return [
            ("Images in this run", "none: earlier runs had finished all shards"),
            ("Shards taken over from earlier runs", formats.count(run["resumed_shards"])),
        ]
    return [
        ("Images in this run", formats.count(run["images"])),
        ("Time on the clock", formats.duration(run["wall_s"])),
        ("Images a second", formats.decimal(each_s)),
        ("Images a second and worker", formats.decimal(each_s / run["workers"]) if run["workers"] else "–"),
        ("Images a day at this speed", formats.count(round(each_s * _DAY_S))),
        ("Workers", formats.count(run["workers"])),
        ("Shards taken over from earlier runs", formats.count(run["resumed_shards"])),
    ]


def _each_ms(seconds: float, images: int) -> str:
    return formats.decimal(1000 * seconds / images) if images else "–"
