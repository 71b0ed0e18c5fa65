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
_TELLING_S = 60
"""A shorter run says nothing about a day."""


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
    names = in_order(spent)
    total, longest = sum(spent.values()), max(spent.values(), default=0.0)
    times = [*(spent[name] for name in names), total]
    seconds = formats.column(times)
    each_ms = formats.column([1000 * time / planned for time in times]) if planned else [formats.NOTHING] * len(times)
    stages = [
        Stage(
            name=name,
            note=STAGES.get(name.partition(".")[0], ""),
            seconds=seconds[place],
            each_ms=each_ms[place],
            share=formats.share(spent[name], total),
            width=round(100 * spent[name] / longest, 3) if longest else 0.0,
        )
        for place, name in enumerate(names)
    ]
    return Timing(stages, seconds[-1], each_ms[-1], _facts(manifest))


def in_order(spent: dict[str, float]) -> list[str]:
    """Stages in the order in which an image goes through them, a recipe's steps in theirs; unknown ones last."""
    known = {stage: place for place, stage in enumerate(STAGES)}
    return sorted(spent, key=lambda name: known.get(name.partition(".")[0], len(known)))


def speed(manifest: dict[str, Any]) -> str:
    """Images a second of this run; a dash where this run screened none."""
    return formats.decimal(manifest["images_per_second"]) if manifest["run"]["images"] else formats.NOTHING


def _facts(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    run, each_s = manifest["run"], manifest["images_per_second"]
    resumed = ("Shards taken over from earlier runs", formats.count(run["resumed_shards"]))
    if not run["images"]:
        return [("Images in this run", "none: earlier runs had finished all shards"), resumed]
    facts = [
        ("Images in this run", formats.count(run["images"])),
        ("Time on the clock", formats.duration(run["wall_s"])),
        ("Images a second", formats.decimal(each_s)),
        ("Images a second and worker", formats.decimal(each_s / run["workers"]) if run["workers"] else formats.NOTHING),
        ("Workers", formats.count(run["workers"])),
        resumed,
    ]
    if run["wall_s"] >= _TELLING_S:
        facts.insert(3, ("Images a day at this speed", formats.count(round(each_s * _DAY_S))))
    return facts
