"""A search in one picture: a line a trial through its values to its loss; the same arguments give the same bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure

from models.networks.space import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from models.networks.space import Range
    from pipelines.flows.tuning.records import Trial

_INK, _FAILED, _STOPPED = "#17212b", "#b83a22", "#8795a3"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sievert",
    "svg.fonttype": "path",  # looks the same wherever it is opened
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "text.color": _INK,
}
_COLOURS = "viridis"
_HEIGHT_IN, _AXIS_IN = 3.9, 1.05
_SMOOTH = 24
"""Points of a line between two axes."""
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """One upright axis.

    Attributes:
        key: Dotted name of what it shows.
        low: At its foot, already in logarithms where it is logarithmic.
        high: At its head.
        log: Whether it is logarithmic.
        words: Values of a choice, evenly spaced, instead of a scale.
    """

    key: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    words: tuple[Any, ...] = ()

    def place(self, value: Any) -> float:  # noqa: ANN401 - a number, a truth value or a word
        """Height of a value: 0 at the foot, 1 at the head."""
        if self.words:
            return self.words.index(value) / max(len(self.words) - 1, 1)
        return ((log10(value) if self.log else value) - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Heights and what stands there."""
        if self.words:
            return [(self.place(word), str(word)) for word in self.words]
        heights = np.linspace(0, 1, _TICKS)
        values = self.low + heights * (self.high - self.low)
        told = 10**values if self.log else values
        return [(float(height), f"{value:.2g}") for height, value in zip(heights, told, strict=True)]


def draw_coordinates(trials: Sequence[Trial], ranges: Mapping[str, Range], *, chosen: int) -> str:
    """Draw all trials as SVG.

    Finished trials are coloured by their loss, the chosen one is thick; those given up early are grey, failed ones red
    and without a loss.

    Args:
        trials: Of one search.
        ranges: What was tuned, by dotted name.
        chosen: Number of the best trial.
    """
    scales = [_scale(name, one, [trial.values[name] for trial in trials]) for name, one in ranges.items()]
    scales.append(_loss_scale(trials))
    shades = _loss_scale([trial for trial in trials if trial.state == "finished"])
    with rc_context(_STYLE):
        figure = Figure(figsize=(_AXIS_IN * len(scales) + 0.6, _HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        for trial in sorted(trials, key=lambda trial: _order(trial, chosen)):
            _draw_trial(axes, trial, scales, shades, thick=trial.number == chosen)
        _draw_scales(axes, scales)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()


def _scale(name: str, one: Range, values: Sequence[Any]) -> Scale:
    if isinstance(one, Choice):
        return Scale(name, words=(*one.values, *dict.fromkeys(value for value in values if value not in one.values)))
    log = one.log and min(values) > 0  # the defaults may lie outside of the range
    low, high = min(one.low, *values), max(one.high, *values)
    return Scale(name, log10(low) if log else low, log10(high) if log else high, log=log)


def _loss_scale(trials: Sequence[Trial]) -> Scale:
    losses = [trial.validation_loss for trial in trials if trial.validation_loss is not None] or [0.0]
    return Scale("validation_loss", min(losses), max(*losses, min(losses) + 1e-6))


def _order(trial: Trial, chosen: int) -> tuple[bool, bool, float]:
    """What is drawn last lies on top: the chosen one, below it finished ones, the better the higher."""
    return trial.number == chosen, trial.state == "finished", -(trial.validation_loss or 0.0)


def _draw_trial(axes: Axes, trial: Trial, scales: Sequence[Scale], shades: Scale, *, thick: bool) -> None:
    heights = [scale.place(trial.values[scale.key]) for scale in scales[:-1]]
    loss = trial.validation_loss
    if loss is not None:
        heights.append(scales[-1].place(loss))
    style: dict[str, Any] = {"color": _STOPPED, "linewidth": 0.8, "alpha": 0.6}
    if trial.state == "failed":
        style = {"color": _FAILED, "linewidth": 0.9, "linestyle": (0, (3, 2))}
    elif trial.state == "finished" and loss is not None:
        style = {"color": colormaps[_COLOURS](0.92 * shades.place(loss)), "linewidth": 2.8 if thick else 1.3}
    axes.plot(*_smoothed(heights), solid_capstyle="round", **style)


def _smoothed(heights: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A line that crosses each axis level, so that lines which meet there can be told apart."""
    across = np.linspace(0, len(heights) - 1, _SMOOTH * (len(heights) - 1) + 1)
    left = np.minimum(across.astype(int), len(heights) - 2)
    share = across - left
    share = share * share * (3 - 2 * share)
    given = np.asarray(heights)
    return across, given[left] * (1 - share) + given[left + 1] * share


def _draw_scales(axes: Axes, scales: Sequence[Scale]) -> None:
    for place, scale in enumerate(scales):
        axes.axvline(place, color=_INK, linewidth=0.8, zorder=3)
        for height, told in scale.ticks():
            axes.plot([place - 0.03, place], [height] * 2, color=_INK, linewidth=0.8, zorder=3)
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
            axes.text(place - 0.05, height, told, ha="right", va="center", fontsize=7, bbox=box, zorder=4)
        bold = "bold" if place == len(scales) - 1 else "normal"
        axes.text(place, 1.05, scale.key.rpartition(".")[2].replace("_", "\n"), ha="center", va="bottom", weight=bold)
    axes.set(xlim=(-0.45, len(scales) - 0.9), ylim=(-0.03, 1.03))
    axes.set_axis_off()
