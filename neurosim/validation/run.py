"""Run the experiments of rows and score them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.analysis import open_results
from neurosim.errors import NeurosimError, ResultSchemaError
from neurosim.runner import Listener, run_experiment
from neurosim.runner.work import output_folder
from neurosim.spec import Condition, Experiment, Rows
from neurosim.validation.readouts import get_readout
from neurosim.validation.registry import Reading
from neurosim.validation.report import Score, direction_of, published, write_scores
from neurosim.validation.rows import chosen, read_rows
from neurosim.validation.scoreboard import write_scoreboard
from neurosim.validation.verdict import Verdict, judge

__all__ = ["QUICK_SUBJECTS", "Validation", "validate"]

#: Subjects of an experiment with spikes under ``quick``: the fewest that give an interval worth its name.
QUICK_SUBJECTS = 3
_FOLDER = Path("results") / "validation"
_TABLE = "validation.csv"
_NOTHING = Reading(math.nan, math.nan, math.nan)
#: From the best to the worst that a condition can be.
_SEVERITY = ("pass", "wrong size", "wrong sign", "error")


@dataclass(frozen=True)
class Validation:
    """Scores in the order of the file, the table and the page that hold them, and whether any trial failed."""

    scores: tuple[Score, ...]
    table: Path
    page: Path
    has_failed: bool


def validate(
    only: Sequence[str] | None = None,
    rows: str | Path | None = None,
    quick: bool = False,
    workers: int | None = None,
    output: str | Path | None = None,
    progress: Listener | None = None,
) -> Validation:
    """Score rows: run what they need, read it out, compare.

    Parameters
    ----------
    only : sequence of str, optional
        Ids; by default all.
    rows : path, optional
        A file of rows; by default the one that ships.
    quick : bool
        At most three subjects where cells spike. Their trials serve the full run too.
    workers : int, optional
    output : path, optional
        By default ``results/validation`` under the current folder; each experiment has a folder in it.
    progress : Listener, optional

    Returns
    -------
    Validation

    Raises
    ------
    SpecError
        A mistake in the file of rows or in an experiment that it names.
    ResultSchemaError
        The folder cannot be written to.

    Notes
    -----
    A row whose experiment or readout fails has the verdict ``error`` and does not stop the others.
    """
    found, folder = read_rows(rows), _FOLDER if output is None else Path(output)
    ids = chosen(found, only)
    needed = {name for row in ids for name in (row, found.rows[row].positive) if name is not None}
    experiments = {row: _experiments(found, row, quick) for row in found.rows if row in needed}
    n_runs = len({id(experiment) for found_ones in experiments.values() for experiment in found_ones})
    runs = _Runs(folder, workers, progress or Listener(), n_runs)
    scores = tuple(_score(found, row, experiments, runs) for row in ids)
    table = write_scores(scores, folder / _TABLE)
    return Validation(scores, table, write_scoreboard(scores, folder), runs.has_failed)


def _experiments(rows: Rows, id: str, quick: bool) -> tuple[Experiment, ...]:
    """One for each condition of a row; none where the row cannot be expressed."""
    row, found = rows.rows[id], []
    for condition in row.conditions if row.not_expressible is None else ():
        experiment = rows.experiment(id, asked=condition.experiment)
        if quick and experiment.has_spikes and experiment.subjects > QUICK_SUBJECTS:
            experiment = rows.experiment(id, {"subjects": QUICK_SUBJECTS}, condition.experiment)
        found.append(experiment)
    return tuple(found)


class _Runs:
    """Each experiment once: its results, or what prevented them."""

    def __init__(self, folder: Path, workers: int | None, listener: Listener, n: int):
        self.folder, self.workers, self.listener, self.n = folder, workers, listener, n
        self.has_failed = False
        self._done: dict[int, tuple[Experiment, object]] = {}

    def results(self, experiment: Experiment, settings: dict):
        """Open results.

        Raises
        ------
        NeurosimError
            The experiment could not be run, or no trial has data.
        """
        if id(experiment) not in self._done:
            self._done[id(experiment)] = (experiment, self._run(experiment, settings))
        found = self._done[id(experiment)][1]
        if isinstance(found, NeurosimError):
            raise found
        return found

    def _run(self, experiment: Experiment, settings: dict):
        name = output_folder(experiment, None).name
        if settings:
            text = json.dumps(dict(sorted(settings.items())))
            name += f"-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
        self.listener.note(f"{experiment.name}, experiment {len(self._done) + 1} of {self.n}")
        try:
            report = run_experiment(
                experiment, workers=self.workers, output=self.folder / name, progress=self.listener
            )
            self.has_failed |= bool(report.failed)
            if not report.has_data:
                raise ResultSchemaError(f"no trial of {experiment.name} has data: {report.failed[0][2]}")
            return open_results(report.folder)
        except NeurosimError as error:
            self.has_failed = True
            return error


def _score(rows: Rows, id: str, experiments: dict[str, tuple[Experiment, ...]], runs: _Runs) -> Score:
    row = rows.rows[id]
    use, area, core, what, value = published(id, row)
    low, high, unit = math.nan, math.nan, ""
    reading, verdict, reason = _NOTHING, "not expressible", row.not_expressible
    if row.expected is not None:
        unit = get_readout(row.readout_name).unit
        if row.expected.is_band:
            low, high = float(row.expected.low), float(row.expected.high)
        reading, verdict, reason = _judged(rows, id, experiments, runs)
    if verdict == "pass" and row.positive is not None:
        _, other, _ = _judged(rows, row.positive, experiments, runs)
        if other != "pass":
            verdict = "wrong size"
            reason = f"nothing may happen here, but {row.positive}, where something has to, is: {other}"
    return Score(
        *(id, use, area, core, what, reading, value, low, high, unit, verdict, reason or row.note or ""),
        direction=None if row.expected is None else direction_of(row),
        lacks=row.lacks or "",
    )


def _judged(rows: Rows, id: str, experiments: dict, runs: _Runs) -> tuple[Reading, Verdict, str]:
    """The reading of a row and the verdict over all its conditions: the worst, and of equal ones the first."""
    row, judged = rows.rows[id], []
    for k, (condition, experiment) in enumerate(zip(row.conditions, experiments[id], strict=True)):
        try:
            results = runs.results(experiment, row.set)
            reading = get_readout(condition.readout_name)(results, condition.arguments)
            verdict, reason = judge(reading, condition.expected)
        except NeurosimError as error:
            runs.has_failed = True
            reading, verdict, reason = _NOTHING, "error", " ".join(str(error).split())
        words = f"also {_words(condition)}: {reason}" if k and reason else reason
        judged.append((reading, verdict, words))
    worst = max(judged, key=lambda found: _SEVERITY.index(found[1]))
    return judged[0][0], worst[1], worst[2]


def _words(condition: Condition) -> str:
    """``firing_rate_change of VTA_DA`` for the reason of a row."""
    first = next(iter(condition.arguments.values()), "")
    return f"{condition.readout_name} of {', '.join(first) if isinstance(first, list | tuple) else first}"
