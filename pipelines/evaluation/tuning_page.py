"""One HTML page about a search for settings: what came out, a picture, every trial."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.evaluation.coordinates import draw_coordinates
from pipelines.evaluation.rendering import render
from pipelines.results.report import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.networks.space import SearchSpace
    from pipelines.flows.tuning.records import Trial, TuningResult

_TEMPLATE = "tuning.html.jinja"
_SURE = ("finished", "stopped", "failed")
"""States in the order in which the table has them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A trial in the table.

    Attributes:
        number: Of the trial.
        note: Why it failed, or what is special about it.
        state: Of the trial.
        cells: Epochs, loss, accuracy and values, as text.
        chosen: Whether it is the best one.
    """

    number: int
    note: str
    state: str
    cells: list[str]
    chosen: bool


def render_tuning(result: TuningResult, ranges: SearchSpace, *, about: Mapping[str, Any]) -> str:
    """One HTML file that loads nothing: no network, no script, no font. The same arguments give the same text.

    Args:
        result: What a search came to.
        ranges: What was tuned.
        about: `data` (a name), `images` and `validation_images` (counts), `arch`, `shape`, `epochs` and `seed`.
    """
    best, first = (_numbered(result, number) for number in (result.chosen, 1))
    picture = draw_coordinates(result.trials, ranges, chosen=result.chosen)
    return render(
        _TEMPLATE,
        about=about,
        size="\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}".join(map(str, about["shape"])),
        tiles=_tiles(result, best, first),
        best=best,
        settings=[(name, told(first.values.get(name)), told(best.values[name])) for name in ranges],
        picture=base64.b64encode(picture.encode()).decode(),
        names=[name.partition(".")[2].replace("_", " ") for name in ranges],
        rows=[_row(trial, ranges, chosen=result.chosen) for trial in sorted(result.trials, key=_rank)],
    )


def told(value: Any) -> str:  # noqa: ANN401 - a number, a truth value or a word
    """A value with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _numbered(result: TuningResult, number: int) -> Trial:
    return next(trial for trial in result.trials if trial.number == number)


def _rank(trial: Trial) -> tuple[int, float, int]:
    loss = trial.validation_loss
    return _SURE.index(trial.state), float("inf") if loss is None else loss, trial.number


def _tiles(result: TuningResult, best: Trial, first: Trial) -> list[tuple[str, str, str]]:
    """Headline numbers: name, value, and what it means."""
    counts = {state: sum(trial.state == state for trial in result.trials) for state in _SURE}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [
        ("Trials", formats.count(len(result.trials)), states),
        ("Best loss", _figure(best.validation_loss), f"trial {best.number}, validation split"),
        ("Loss of the defaults", _figure(first.validation_loss), "trial 1, same passes"),
        ("Best accuracy", _figure(best.validation_accuracy), f"trial {best.number}, validation split"),
        ("Accuracy of the defaults", _figure(first.validation_accuracy), "trial 1, same passes"),
    ]


def _row(trial: Trial, ranges: SearchSpace, *, chosen: int) -> Row:
    figures = [str(trial.epochs), _figure(trial.validation_loss), _figure(trial.validation_accuracy)]
    note = trial.reason or ("the defaults" if trial.number == 1 else "")
    values = [told(trial.values.get(name, formats.NOTHING)) for name in ranges]
    return Row(trial.number, note, trial.state, [*figures, *values], trial.number == chosen)


def _figure(number: float | None) -> str:
    return formats.NOTHING if number is None else f"{number:.4f}"
