"""What a run does: what is pending, on N workers, then the summary and the figure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import SpecError
from neurosim.recording import OUTCOMES_WITH_DATA, TrialRecord, environment
from neurosim.runner.belonging import no_longer_asked, parts_of
from neurosim.runner.estimate import Estimate, limit_of
from neurosim.runner.execute import Ended, Job
from neurosim.runner.first_phase import shared_folder
from neurosim.runner.folder import FIGURE, alone, clear, finished, has_plan, open_folder, write_plan
from neurosim.runner.measure import estimates_of
from neurosim.runner.place import Place
from neurosim.runner.products import make_products
from neurosim.runner.run import Listener, RunReport
from neurosim.runner.simulate import Simulated, ready, refuse_jobs_at_work, simulate_pending
from neurosim.runner.trials import Expansion, TrialSpec, expand, source_digest, source_stamp
from neurosim.runner.validate import idle_drugs, left_out, validate
from neurosim.schedulers import Nursery, Task
from neurosim.spec import (
    NOTICE,
    Experiment,
    axis_texts,
    canonical_json,
    cut_stimulations,
    digest,
    dump_yaml,
    load_experiment,
    plain,
    scan_dimensions,
)

if TYPE_CHECKING:
    from neurosim.analysis import Results

__all__ = ["Wanted", "engine_of", "given", "output_folder", "work"]


@dataclass(frozen=True)
class Wanted:
    """How a run was asked for."""

    place: Place
    fresh: bool
    retry_failed: bool
    most_failures: int | None
    nursery: Nursery | None


def work(
    experiment: Experiment | str | Path,
    settings: Mapping[str, Any] | None,
    output: str | Path | None,
    wanted: Wanted,
    listener: Listener,
) -> RunReport:
    """Do what :func:`~neurosim.runner.run.run_experiment` was asked for."""
    experiment = given(experiment, settings)
    validate(experiment)
    folder = output_folder(experiment, output)
    open_folder(folder)
    with alone(folder):
        return _run(experiment, folder, wanted, listener)


@dataclass(frozen=True)
class _Found:
    """What of an experiment is in its folder.

    Attributes
    ----------
    headers : dict, key → TrialRecord
        Every trial with a whole file.
    kept : dict, key → TrialRecord
        Those that do not run again.
    damaged : list of Path
    pending : list of TrialSpec
    """

    headers: Mapping[str, TrialRecord]
    kept: Mapping[str, TrialRecord]
    damaged: list[Path]
    pending: list[TrialSpec]


def _run(experiment: Experiment, folder: Path, wanted: Wanted, listener: Listener) -> RunReport:
    if wanted.fresh or wanted.place.cluster != "slurm":
        refuse_jobs_at_work(folder)
    engine = engine_of(experiment, listener.note)
    _warn(experiment, wanted, listener)
    expansion, parts = expand(experiment, engine), parts_of(experiment, engine)
    found = _look(folder, expansion, parts, wanted, listener)
    if wanted.nursery is not None and not (found.pending and experiment.has_spikes):
        wanted.nursery.close()
    scheduler, needs = None, estimates_of(found.pending, expansion, found.headers, folder, engine)
    if found.pending and experiment.has_spikes:
        where = wanted.place, experiment.name, listener.note, wanted.nursery
        scheduler = ready(found.pending, needs, folder, engine, *where)
    if wanted.fresh:
        # Not before the new run is known to be possible.
        clear(folder)
    plan = _plan(experiment, expansion, parts)
    if found.pending or not has_plan(folder, plan):
        write_plan(folder, plan)
    attributes = _trial_attributes(experiment, engine)
    if scheduler is not None:
        with shared_folder(scheduler) as shared:
            ordered = _in_order(found.pending, needs, experiment.reference.arm)
            tasks = _tasks(ordered, needs, folder, engine, attributes, again=wanted.retry_failed, shared=shared)
            done = simulate_pending(scheduler, tasks, listener, wanted.most_failures)
    else:
        done = Simulated(_evaluate(found, folder, attributes, listener), {}, False)
    if scheduler is not None and wanted.place.detach:
        return replace(_report(folder, expansion, found.kept, done), detached=True)
    of_summary = _summary_attributes(experiment, attributes)
    results = make_products(experiment, expansion, folder, of_summary, done.ended, done.records)
    return _report(folder, expansion, found.kept, done, results)


def _look(folder: Path, expansion: Expansion, parts: Mapping[str, str], wanted: Wanted, listener: Listener) -> _Found:
    """See what is there, and say what a user should know of it."""
    keys = [trial.key for trial in expansion.trials]
    headers, damaged = ({}, []) if wanted.fresh else finished(folder, keys)
    for path in damaged:
        listener.note(f"{path} is damaged or not whole: its trial runs again")
    for sentence in () if wanted.fresh else no_longer_asked(folder, keys, parts):
        listener.note(sentence)
    without_data = {key for key, header in headers.items() if header.outcome not in OUTCOMES_WITH_DATA}
    kept = {k: h for k, h in headers.items() if not wanted.retry_failed or k not in without_data}
    n_failed = len(kept.keys() & without_data)
    listener.start(len(keys), len(kept) - n_failed, n_failed)
    return _Found(headers, kept, damaged, [trial for trial in expansion.trials if trial.key not in kept])


def _in_order(pending: list[TrialSpec], needs: Mapping[str, Estimate], reference: str) -> list[TrialSpec]:
    """What others are compared with first, so that a run that stops has something to say; then the longest first.

    At the end workers wait for each other, the less the shorter what comes last.
    """
    return sorted(pending, key=lambda trial: (trial.arm != reference, -needs[trial.key].time))


def _tasks(pending, needs, folder: Path, engine: str, attributes, *, again: bool, shared: Path | None) -> list[Task]:
    jobs = (Job(trial, folder.resolve(), engine, attributes, again, source_stamp(), shared) for trial in pending)
    return [Task(job.spec.key, job, limit_of(needs[job.spec.key])) for job in jobs]


def _evaluate(found: _Found, folder: Path, attributes: Mapping[str, Any], listener: Listener) -> dict[str, Ended]:
    """Evaluate pending trials without spikes."""
    if not found.pending:
        return {}
    from neurosim.runner.still import evaluate_blocks

    for path in found.damaged:
        # Its trials may come to lie in blocks of other names.
        path.unlink(missing_ok=True)
    return evaluate_blocks(found.pending, folder.resolve(), attributes, listener.ended)


def _warn(experiment: Experiment, wanted: Wanted, listener: Listener) -> None:
    if experiment.has_disorders:
        listener.note(NOTICE)
    if wanted.place.cluster and not experiment.has_spikes:
        listener.note(f"engine none: thousands of trials a second, so they run here and not on {wanted.place.cluster}")
    for path, sentence in (*left_out(experiment), *idle_drugs(experiment), *cut_stimulations(experiment)):
        listener.note(f"warning: {path}: {sentence}")


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


def _summary_attributes(experiment: Experiment, of_trials: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **of_trials,
        **environment(),
        "seed": experiment.seed,
        "resolved": canonical_json(experiment),
        # with all that --set changed, which the text of the file lacks
        "experiment_as_run": plain(experiment, without=("circuit",)),
        "experiment_digest": digest(experiment),
        **({"settings": experiment.settings} if experiment.source_text and experiment.settings else {}),
        **({"notice": NOTICE} if experiment.has_disorders else {}),
    }


def _plan(experiment: Experiment, expansion: Expansion, parts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "experiment": experiment.name,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "pid": os.getpid(),
        "parts": dict(parts),
        "axes": [
            {"dimension": d.name, "values": {axis: list(axis_texts(experiment, axis)) for axis in d.axes}}
            for d in scan_dimensions(experiment)
        ],
        "trials": [
            {"key": t.key, "arm": t.arm, "subject": t.subject, "point": list(t.point)}
            for t in expansion.trials
        ],
    }


def _report(folder, expansion, headers, done: Simulated, results: Results | None = None) -> RunReport:
    outcomes = {**headers, **done.ended}
    failed = tuple(
        (trial, outcomes[trial.key].outcome, outcomes[trial.key].message)
        for trial in expansion.trials
        if trial.key in outcomes and outcomes[trial.key].outcome not in OUTCOMES_WITH_DATA
    )
    return RunReport(
        folder=folder,
        total=len(expansion.trials),
        simulated=len(done.ended),
        kept=len(headers),
        failed=failed,
        stopped=done.stopped,
        figure=folder / FIGURE,
        lost=tuple((trial, done.lost[trial.key]) for trial in expansion.trials if trial.key in done.lost),
        results=results,
    )
