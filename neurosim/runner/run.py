"""Run an experiment: what is pending, on N workers, then the summary and the figure."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import EngineError, ResultSchemaError, SpecError
from neurosim.recording import OUTCOMES_WITH_DATA, environment
from neurosim.runner import estimate as estimates
from neurosim.runner.execute import Ended, Job, execute, write_failure
from neurosim.runner.folder import clear, finished, has_plan, open_folder, write_plan
from neurosim.runner.products import make_products
from neurosim.runner.still import evaluate_blocks
from neurosim.runner.trials import Expansion, TrialSpec, expand, source_digest
from neurosim.runner.validate import idle_drugs, left_out, validate
from neurosim.schedulers import Local, Outcome, Task, cpu_count
from neurosim.spec import (
    NOTICE,
    Experiment,
    canonical_json,
    cut_stimulations,
    digest,
    dump_yaml,
    load_experiment,
)

if TYPE_CHECKING:
    from neurosim.analysis import Results

__all__ = ["Listener", "RunReport", "run", "run_experiment"]

#: A wait longer than this, s, is explained.
_MOMENT = 1.5


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
    """

    folder: Path
    total: int
    simulated: int
    kept: int
    failed: tuple[tuple[TrialSpec, str, str], ...]
    stopped: bool
    figure: Path

    @property
    def has_data(self) -> bool:
        return len(self.failed) < self.total


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
) -> Results:
    """Run an experiment and open its results. What is finished is never run again.

    Parameters
    ----------
    experiment : Experiment, name or path
    workers : int, optional
        Worker processes; by default one per processor. With 1 everything runs in this process.
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
        experiment, workers, output, set, fresh, fail_fast, max_failures, retry_failed, progress
    )
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
) -> RunReport:
    """As :func:`run`, but returns what was done, and a trial without data is no error."""
    listener = progress or Listener()
    if workers is not None and workers < 1:
        raise SpecError(f"workers: {workers} was given; allowed: 1 or more")
    experiment = given(experiment, set)
    validate(experiment)
    folder = output_folder(experiment, output)
    open_folder(folder)
    if experiment.has_disorders:
        listener.note(NOTICE)
    engine = engine_of(experiment, listener.note)
    for path, sentence in (*left_out(experiment), *idle_drugs(experiment), *cut_stimulations(experiment)):
        listener.note(f"warning: {path}: {sentence}")
    expansion = expand(experiment, engine)
    headers, damaged = ({}, []) if fresh else finished(folder, (trial.key for trial in expansion.trials))
    for path in damaged:
        listener.note(f"{path} is damaged or not whole: its trial runs again")
    without_data = {key for key, header in headers.items() if header.outcome not in OUTCOMES_WITH_DATA}
    if retry_failed:
        headers = {key: header for key, header in headers.items() if key not in without_data}
        without_data = frozenset()
    pending = [trial for trial in expansion.trials if trial.key not in headers]
    listener.start(len(expansion.trials), len(headers) - len(without_data), len(without_data))

    most = 1 if fail_fast else max_failures
    ended, stopped = {}, False
    if pending and experiment.has_spikes:
        _prepare_run(pending, folder, engine, listener)
    if fresh:
        # Not before the new run is known to be possible.
        clear(folder)
    plan = _plan(experiment, expansion)
    if pending or not has_plan(folder, plan):
        write_plan(folder, plan)
    if pending:
        if experiment.has_spikes:
            ended, stopped = _simulate(experiment, pending, folder, engine, workers, most, listener)
        else:
            for path in damaged:
                # Its trials may come to lie in blocks of other names.
                path.unlink(missing_ok=True)
            shared = _trial_attributes(experiment, engine)
            ended = evaluate_blocks(pending, folder.resolve(), shared, listener.ended)
    figure = make_products(
        experiment, expansion, folder, _summary_attributes(experiment, engine), changed=bool(ended)
    )
    return _report(folder, expansion, headers, ended, stopped, figure)


def given(experiment: Experiment | str | Path, settings: Mapping[str, Any] | None) -> Experiment:
    """The experiment, loaded if need be."""
    if isinstance(experiment, Experiment):
        if settings:
            raise SpecError(
                "set= goes with the name or path of an experiment; load one with load_experiment(set=...)"
            )
        return experiment
    return load_experiment(experiment, set=settings)


def engine_of(experiment: Experiment, say: Callable[[str], None] = lambda text: None) -> str:
    """Name of the engine that runs an experiment here; ``say`` is told where that is not the fast one."""
    if not experiment.has_spikes:
        return experiment.engine
    from neurosim.engines import choose

    choice = choose()
    if choice.message:
        say(choice.message)
    return choice.engine.name


def output_folder(experiment: Experiment, output: str | Path | None) -> Path:
    """Where an experiment's results go."""
    if output is not None and not str(output).strip():
        raise SpecError("output folder '' has no name; allowed: a folder, e.g. --output results/mine")
    return Path(output) if output is not None else Path("results") / experiment.name


def structures(trials: list[TrialSpec]) -> list:
    """The distinct structures of some trials: what has to be compiled."""
    from neurosim import build

    per_resolved = {id(trial.resolved): trial.resolved for trial in trials}
    found = [build.structure(resolved) for resolved in per_resolved.values()]
    return list({structure.digest: structure for structure in found}.values())


def _simulate(experiment, pending, folder, engine, workers, most, listener) -> tuple[dict[str, Ended], bool]:
    """Run the pending trials; returns how they ended, and whether too many failures stopped it."""
    needs = {id(t.resolved): estimates.estimate(t.resolved, engine) for t in pending}
    shared = _trial_attributes(experiment, engine)
    jobs = {trial.key: Job(trial, folder.resolve(), engine, shared) for trial in pending}
    tasks = [Task(key, job, estimates.limit_of(needs[id(job.spec.resolved)])) for key, job in jobs.items()]
    n = min(workers or cpu_count(), len(tasks))
    ended: dict[str, Ended] = {}
    failures = 0
    with closing(Local(n).run(tasks, execute, listener.progress)) as outcomes:
        for outcome in outcomes:
            done = _ended(jobs[outcome.key], outcome)
            if done.cannot_write:
                raise ResultSchemaError(done.cannot_write)
            ended[done.key] = done
            listener.ended(jobs[done.key].spec, done)
            failures += done.outcome not in OUTCOMES_WITH_DATA
            if most is not None and failures >= most and len(ended) < len(jobs):
                return ended, True
    return ended, False


def _prepare_run(pending, folder: Path, engine: str, listener: Listener) -> None:
    """Refuse what would not fit on the disk, and make the programs."""
    from neurosim.engines import get_engine

    sizes = {id(t.resolved): estimates.estimate(t.resolved, engine).size for t in pending}
    estimates.check_size(sum(sizes[id(t.resolved)] for t in pending), folder)
    _prepare(get_engine(engine), structures(pending), listener)


def _prepare(engine, needed: list, listener: Listener) -> None:
    """Make the programs before any worker asks for them; if that takes a moment, say why."""
    words = "compiling the program of this circuit; it is kept, other numbers need no new one"
    timer = threading.Timer(_MOMENT, listener.note, [words])
    timer.daemon = True
    timer.start()
    try:
        for structure in needed:
            engine.prepare(structure)
    finally:
        timer.cancel()


def _ended(job: Job, outcome: Outcome) -> Ended:
    if outcome.status == "done":
        return outcome.value
    kind = "timeout" if outcome.status == "timeout" else "failed"
    return write_failure(job, kind, outcome.message, outcome.detail)


def _trial_attributes(experiment: Experiment, engine: str) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "experiment_yaml": experiment.source_text or dump_yaml(experiment),
        "circuit_yaml": dump_yaml(experiment.circuit),
        "engine": _fingerprint(experiment, engine),
        "source_digest": source_digest(),
    }


def _fingerprint(experiment: Experiment, engine: str) -> dict[str, str]:
    if not experiment.has_spikes:
        return {"engine": engine}
    from neurosim.engines import engine_fingerprint

    return engine_fingerprint(engine)


def _summary_attributes(experiment: Experiment, engine: str) -> dict[str, Any]:
    return {
        **_trial_attributes(experiment, engine),
        **environment(),
        "seed": experiment.seed,
        "resolved": canonical_json(experiment),
        "experiment_digest": digest(experiment),
        **({"notice": NOTICE} if experiment.has_disorders else {}),
    }


def _plan(experiment: Experiment, expansion: Expansion) -> dict[str, Any]:
    return {
        "experiment": experiment.name,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "pid": os.getpid(),
        "axes": list(experiment.scan),
        "trials": [
            {"key": t.key, "arm": t.arm, "subject": t.subject, "point": list(t.point)}
            for t in expansion.trials
        ],
    }


def _report(folder, expansion, headers, ended, stopped, figure) -> RunReport:
    outcomes = {**headers, **ended}
    failed = tuple(
        (trial, outcomes[trial.key].outcome, outcomes[trial.key].message)
        for trial in expansion.trials
        if trial.key in outcomes and outcomes[trial.key].outcome not in OUTCOMES_WITH_DATA
    )
    return RunReport(
        folder=folder,
        total=len(expansion.trials),
        simulated=len(ended),
        kept=len(headers),
        failed=failed,
        stopped=stopped,
        figure=figure,
    )
