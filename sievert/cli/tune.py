"""`sievert tune`: searches settings for a network on labelled images."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sievert.cli import console
from sievert.cli.options import ClusterAddress, effective
from sievert.cli.training import (
    ArchOption,
    ChannelsOption,
    DataArgument,
    InitOption,
    SetOption,
    SizeOption,
    make_order,
    read_crew,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from pipelines.flows.tune import TuningOrder
    from pipelines.flows.tuning.records import Trial, TuningResult


def tune(
    data: DataArgument,
    *,
    out: Annotated[Path, typer.Option(help="Folder for best.json, trials.json and tuning.html.")],
    arch: ArchOption = "hybrid",
    size: SizeOption = "28",
    channels: ChannelsOption = 1,
    trials: Annotated[int, typer.Option(min=1, help="Trainings; the first has the default settings.")] = 20,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes of a whole trial (default 20).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the search and of each training (default 0).")] = None,
    init: InitOption = None,
    choose: SetOption = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Where the search is kept: a folder or s3://... (default: OUT/.run).", metavar="PLACE"),
    ] = None,
    address: ClusterAddress = None,
    json: console.JsonFlag = False,
    verbose: console.VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Search settings for a network: Optuna proposes, the validation split judges, bad trials are given up early.

    What --set names stays as it is. Run the same command again to go on after an interruption, or with more --trials.
    Train with what was found: `sievert train --settings OUT/best.json`.
    """
    from models.training.choices import parse_choices
    from pipelines.flows.tune import TuningOrder

    named = {"epochs": epochs, "seed": seed}
    training = make_order(arch, size, channels=channels, choices=choose, named=named, init=init)
    place = read_crew("1", storage, out).storage if storage else str((out / ".run").absolute())
    order = TuningOrder(training, trials, place, fixed=tuple(parse_choices(choose or ())))
    result = _run(data, out, order, address=address)
    _tell(result, out, json=json)


def _run(data: Path, out: Path, order: TuningOrder, *, address: str | None) -> TuningResult:
    from cluster.session import open_session
    from pipelines.flows.tune import tune_data

    settings = effective(None, cluster__address=address)
    with open_session(settings.cluster), show_trials(order.trials) as show:
        return tune_data(data, out, order, says=show.says, on_trial=show.moves)


@contextlib.contextmanager
def show_trials(trials: int) -> Iterator[TrialLines]:
    """Something that shows trials: a bar on a terminal, lines elsewhere.

    Args:
        trials: That lie ahead.
    """
    where = console.stderr()
    if not where.is_terminal:
        yield TrialLines(where, trials)
        return
    bar = TrialBar(where, trials)
    with bar.progress:
        yield bar


class TrialLines:
    """A line a trial.

    Args:
        where: Printed to.
        trials: That lie ahead.
    """

    def __init__(self, where: Console, trials: int) -> None:
        self._where, self._trials, self._done = where, trials, 0
        self._best: Trial | None = None

    def says(self, line: str) -> None:
        """Print it."""
        self._where.print(line, markup=False)

    def moves(self, trial: Trial) -> None:
        """Tell of an ended trial."""
        self.counts(trial)
        self.says(f"{self._done} of {self._trials} trials: trial {trial.number} {trial.state}; {self.best()}")

    def counts(self, trial: Trial) -> None:
        """Count an ended trial, and remember the best one."""
        self._done += 1
        if trial.state == "finished" and (self._best is None or _loss(trial) < _loss(self._best)):
            self._best = trial

    def best(self) -> str:
        """The best one so far in a few words."""
        if self._best is None:
            return "none finished yet"
        return f"best loss {self._best.validation_loss:.4f}, accuracy {self._best.validation_accuracy:.3f}"


def _loss(trial: Trial) -> float:
    return float("inf") if trial.validation_loss is None else trial.validation_loss


class TrialBar(TrialLines):
    """A live bar.

    Args:
        where: Drawn on.
        trials: That lie ahead.
    """

    def __init__(self, where: Console, trials: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__(where, trials)
        columns = (TextColumn("tuning"), BarColumn(bar_width=20), MofNCompleteColumn())
        told = TextColumn("{task.fields[told]}")
        self.progress = Progress(*columns, told, TimeRemainingColumn(compact=True), console=where, transient=True)
        self._task = self.progress.add_task("tuning", total=trials, told="")

    def moves(self, trial: Trial) -> None:
        """Move it."""
        self.counts(trial)
        self.progress.update(self._task, advance=1, told=self.best())


def _tell(result: TuningResult, out: Path, *, json: bool) -> None:
    best, first = (next(trial for trial in result.trials if trial.number == number) for number in (result.chosen, 1))
    if json:
        states = [trial.state for trial in result.trials]
        answer = {
            "out": str(out),
            "trials": len(states),
            **{state: states.count(state) for state in ("finished", "stopped", "failed")},
            "best": best.model_dump(
                mode="json", include={"number", "values", "validation_loss", "validation_accuracy"}
            ),
            "default": first.model_dump(mode="json", include={"validation_loss", "validation_accuracy"}),
        }
        console.print_json(answer)
    found = "no trial beat the defaults" if best.number == 1 else f"trial {best.number} of {len(result.trials)} is best"
    told = f"{found} (validation loss {best.validation_loss:.4f}, accuracy {best.validation_accuracy:.3f})"
    console.stderr().print(f"{told}; train with it: --settings {console.plain(out / 'best.json')}")
