"""Run an experiment and open its results.

Everything that a run needs is imported when it has begun, while the process that makes workers imports what they need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import EngineError
from neurosim.runner.place import nursery_of, place_of

if TYPE_CHECKING:
    from neurosim.analysis import Results
    from neurosim.runner.execute import Ended
    from neurosim.runner.trials import TrialSpec
    from neurosim.spec import Experiment

__all__ = ["Listener", "RunReport", "run", "run_experiment"]


class Listener:
    """Is told what a run does; every method may be left as it is."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def start(self, total: int, kept: int, failed: int) -> None:
        """``total`` trials, of which ``kept`` are there already and ``failed`` failed in an earlier run."""

    def progress(self, key: str, part: float) -> None:
        """A trial is ``part`` (0 to 1) done."""

    def ended(self, trial: TrialSpec, ended: Ended) -> None:
        """A trial ended."""


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes
    ----------
    folder : Path
    total, simulated, kept : int
        Trials of the experiment; simulated now; there from earlier runs.
    failed : tuple of (TrialSpec, outcome, message)
        Trials without data, those of earlier runs included.
    stopped : bool
        The run ended before all trials were tried, after too many failures.
    figure : Path
    lost : tuple of (TrialSpec, message)
        Trials that a cluster gave up before they had an end; the next run does them.
    detached : bool
        What is pending was left to a cluster; summary and figure are of the run that follows it to the end.
    results : Results or None
        With the summary that this run made in memory; None where it found one that holds everything, or made none.
    """

    folder: Path
    total: int
    simulated: int
    kept: int
    failed: tuple[tuple[TrialSpec, str, str], ...]
    stopped: bool
    figure: Path
    lost: tuple[tuple[TrialSpec, str], ...] = field(default=())
    detached: bool = False
    results: Results | None = field(default=None, repr=False, compare=False)

    @property
    def has_data(self) -> bool:
        return self.kept + self.simulated > len(self.failed)


def run(
    experiment: Experiment | str | Path,
    workers: int | None = None,
    output: str | Path | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 (the name of the option)
    fresh: bool = False,
    fail_fast: bool = False,
    max_failures: int | None = None,
    retry_failed: bool = False,
    progress: Listener | None = None,
    cluster: str | None = None,
    sbatch_args: Sequence[str] = (),
) -> Results:
    """Run an experiment and open its results. What is finished is never run again.

    Parameters
    ----------
    experiment : Experiment, name or path
    workers : int, optional
        Worker processes; by default one per processor, fewer where memory is short. With 1 everything runs in this process.
    output : path, optional
        The experiment's folder, by default ``results/<name>`` under the current folder.
    set : mapping, optional
        Path → value, as ``--set``; only with a name or path.
    fresh : bool
        Start over: remove what earlier runs wrote into the folder.
    fail_fast, max_failures : bool, int
        Stop after the first, or after so many, failed trials. By default the others go on.
    retry_failed : bool
        Run trials again that failed in an earlier run; by default they keep their outcome.
    progress : Listener, optional
    cluster : str, optional
        ``slurm``, ``dask`` or ``dask:ADDRESS``; see docs/hpc.md. This machine by default.
    sbatch_args : sequence of str
        Handed to sbatch as they are.

    Returns
    -------
    Results

    Raises
    ------
    SpecError, UnitError, ReferenceDataError, BuildError
        The experiment cannot be run.
    ResultSchemaError
        The folder cannot be written to.
    EngineError
        No trial has data; the message is that of the first.
    """
    from neurosim.analysis import open_results

    report = run_experiment(
        experiment, workers, output, set, fresh, fail_fast, max_failures, retry_failed, progress, cluster, sbatch_args
    )
    if not report.has_data and report.lost:
        raise EngineError(f"no trial of {report.total} has data; {report.lost[0][1]}")
    if not report.has_data:
        trial, outcome, message = report.failed[0]
        raise EngineError(
            f"no trial of {report.total} has data; arm {trial.arm!r}, subject {trial.subject}: {message}"
        )
    return open_results(report.folder)


def run_experiment(
    experiment: Experiment | str | Path,
    workers: int | None = None,
    output: str | Path | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002
    fresh: bool = False,
    fail_fast: bool = False,
    max_failures: int | None = None,
    retry_failed: bool = False,
    progress: Listener | None = None,
    cluster: str | None = None,
    sbatch_args: Sequence[str] = (),
    detach: bool = False,
) -> RunReport:
    """As :func:`run`, but returns what was done, and a trial without data is no error.

    With ``detach`` trials are handed to SLURM and left there; the same run without it follows them.
    """
    place = place_of(cluster, sbatch_args, workers, detach)
    with nursery_of(place) as nursery:
        from neurosim.runner.work import Wanted, work

        wanted = Wanted(place, fresh, retry_failed, 1 if fail_fast else max_failures, nursery)
        return work(experiment, set, output, wanted, progress or Listener())
