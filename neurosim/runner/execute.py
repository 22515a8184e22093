"""One trial: plan each phase, run it, name what came out, write the file. Runs in a worker process."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurosim._memory import once_each
from neurosim.errors import EngineError, NeurosimError, ResultSchemaError
from neurosim.recording import (
    OUTCOMES_WITH_DATA,
    TrialRecord,
    TrialResult,
    environment,
    read_header,
    record_of,
    trial_path,
    write_trial,
)
from neurosim.runner.first_phase import FirstPhases
from neurosim.runner.folder import mark_running
from neurosim.runner.trials import TrialSpec, contents, source_digest, source_stamp
from neurosim.schedulers import Outcome
from neurosim.spec import Resolved, canonical_json, phase_times

__all__ = ["FIRST_PHASES", "Ended", "Job", "execute", "simulate", "write_failure"]

#: Of the trials that this process did.
FIRST_PHASES = FirstPhases()


@dataclass(frozen=True)
class Job:
    """A trial to run, and where to.

    Attributes
    ----------
    spec : TrialSpec
    folder : Path
        Of the experiment.
    engine : str
    attributes : dict
        Root attributes that all trials of the run share.
    again : bool
        Run it although its file is there.
    stamp : str
        :func:`~neurosim.runner.trials.source_stamp` where the job was made.
    shared : Path or None
        Where the processes of a run find each other's first phases.
    """

    spec: TrialSpec
    folder: Path
    engine: str
    attributes: Mapping[str, Any]
    again: bool = False
    stamp: str = ""
    shared: Path | None = None


@dataclass(frozen=True)
class Ended:
    """How a trial ended.

    ``cannot_write`` is set where its file could not be written; ``record``, what the summary wants, where it need not go
    through a file to get there.
    """

    key: str
    outcome: str
    message: str
    wall_time: float
    cannot_write: str = ""
    record: TrialRecord | None = None


def execute(job: Job, report: Callable[[float], None]) -> Ended:
    """Run a trial and write its file; whatever goes wrong in it becomes its outcome."""
    from neurosim.analysis import trial_rates

    there = _finished_elsewhere(job)
    if there is not None:
        return there
    with mark_running(job.folder, job.spec.key) as beat:
        since, rates, trace = time.perf_counter(), None, ""

        def tell(part: float) -> None:
            beat()
            report(part)

        try:
            _same_sources(job)
            result = simulate(job.spec, job.engine, tell, job.shared)
            if result.has_data:
                rates = trial_rates(result)
        except Exception as error:
            outcome = "nan" if type(error).__name__ == "NotFiniteError" else "failed"
            result, trace = TrialResult(job.spec.key, outcome, _sentence(error)), traceback.format_exc()
        result = replace(result, wall_time=time.perf_counter() - since)
        return _write(job, result, rates, trace)


def _finished_elsewhere(job: Job) -> Ended | None:
    """How a trial ended that somebody else finished since this run looked: it does not run twice."""
    if job.again or not trial_path(job.folder, job.spec.key).exists():
        return None
    try:
        header = read_header(trial_path(job.folder, job.spec.key))
    except ResultSchemaError:
        return None
    return Ended(header.key, header.outcome, header.message, header.wall_time)


def _same_sources(job: Job) -> None:
    """The key of a trial holds the sources that made it: refuse to run under a key of other ones."""
    if source_stamp() != job.stamp and source_digest() != job.attributes["source_digest"]:
        raise EngineError("the sources of neurosim changed while the run went on; run the experiment again")


def simulate(
    spec: TrialSpec, engine: str, report: Callable[[float], None] = lambda part: None, shared: Path | None = None
) -> TrialResult:
    """Run all phases of a trial.

    Parameters
    ----------
    spec : TrialSpec
    engine : str
    report : callable
        Is told the part done.
    shared : Path, optional
        See :class:`Job`.

    Returns
    -------
    TrialResult
        With its phases, or, where numbers are not finite, the outcome ``nan``.
    """
    from neurosim.analysis import classify
    from neurosim.build import Trial
    from neurosim.engines import get_engine
    from neurosim.recording import phase_context, phase_result

    trial = Trial(spec.resolved, spec.subject)
    lengths = [float(p.settle) + float(p.record) for p in phase_times(spec.resolved.protocol)]
    phases: list = []
    loop_time, is_first = 0.0, True

    def run(step):
        nonlocal is_first
        # how many coupling phases there will be is not known beforehand: they count as nothing done
        done, length = sum(lengths[: len(phases)]), 0.0 if step.coupling else lengths[len(phases)]

        def simulated():
            return run_plan(step.plan, lambda part: report((done + part * length) / sum(lengths)))

        # a trial of a single phase differs in it from all others
        begins = is_first and len(lengths) > 1
        raw = FIRST_PHASES.run(engine, step.plan, simulated, shared) if begins else simulated()
        is_first = False
        report((done + length) / sum(lengths))
        return raw

    with get_engine(engine).session() as run_plan:
        for step, raw in trial.play(run):
            loop_time += raw.loop_time
            if not step.coupling:
                phases.append(phase_result(raw, step.plan, phase_context(trial, step.phase, step.situation)))
    outcome, message = classify(phases)
    kept = () if outcome == "nan" else tuple(phases)
    return TrialResult(spec.key, outcome, message, phases=kept, loop_time=loop_time)


def write_failure(job: Job, outcome: Outcome) -> Ended:
    """Write the file of a trial whose worker could not do it itself."""
    there = _finished_elsewhere(replace(job, again=False))
    if there is not None and there.outcome in OUTCOMES_WITH_DATA:
        # its worker died after it had written
        return there
    kind = "timeout" if outcome.status == "timeout" else "failed"
    return _write(job, TrialResult(job.spec.key, kind, outcome.message), None, outcome.detail)


def _write(job: Job, result: TrialResult, rates: Mapping | None, trace: str) -> Ended:
    spec = job.spec
    attributes = {
        **job.attributes,
        **environment(),
        "arm": spec.arm,
        "subject": spec.subject,
        "seed": spec.resolved.seed,
        "resolved": _text_of(spec.resolved),
        "traceback": trace or None,
    }
    ended = Ended(spec.key, result.outcome, result.message, result.wall_time)
    try:
        write_trial(job.folder, result, rates, attributes, spikes=spec.resolved.protocol.spikes)
    except ResultSchemaError as error:
        return replace(ended, cannot_write=str(error))
    # reading it back takes longer; the outcomes of a cluster are files themselves
    return ended if job.shared is None else replace(ended, record=record_of(result, rates))


@once_each
def _text_of(resolved: Resolved) -> str:
    return canonical_json(contents(resolved))


def _sentence(error: Exception) -> str:
    """One line: errors of neurosim speak for themselves, others need their type."""
    words = " ".join(str(error).split())
    return (
        words
        if isinstance(error, NeurosimError) and words
        else f"{type(error).__name__}: {words}".rstrip(": ")
    )
