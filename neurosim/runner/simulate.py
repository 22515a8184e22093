"""The pending trials of a run, wherever it goes: programs first, then each trial once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from neurosim.errors import EngineError, ResultSchemaError, SpecError
from neurosim.recording import OUTCOMES_WITH_DATA, TrialRecord
from neurosim.runner.estimate import Estimate, check_size
from neurosim.runner.execute import FIRST_PHASES, Ended, execute, write_failure
from neurosim.runner.place import Place
from neurosim.runner.products import load_in_background, read_ended
from neurosim.runner.trials import TrialSpec
from neurosim.runner.where import jobs_folder, scheduler_of
from neurosim.schedulers import Nursery, Scheduler, Task

__all__ = ["Simulated", "prepare", "ready", "refuse_jobs_at_work", "simulate_pending", "structures"]

#: A wait longer than this, s, is explained.
_MOMENT = 1.5


class _Listener(Protocol):
    def note(self, text: str) -> None: ...
    def progress(self, key: str, part: float) -> None: ...
    def ended(self, trial: TrialSpec, ended: Ended) -> None: ...


@dataclass(frozen=True)
class Simulated:
    """What became of the pending trials.

    Attributes
    ----------
    ended : dict, key → Ended
    lost : dict, key → why
        Taken away before they had an end; they run again.
    stopped : bool
        Too many failed, so the rest was not tried.
    records : dict, key → TrialRecord
        What the summary wants of those that ended, as far as it could be read while others ran.
    """

    ended: dict[str, Ended]
    lost: dict[str, str]
    stopped: bool
    records: dict[str, TrialRecord] = field(default_factory=dict)


def structures(trials: Sequence[TrialSpec]) -> list:
    """The distinct structures of some trials: what has to be compiled."""
    from neurosim import build

    per_resolved = {id(trial.resolved): trial.resolved for trial in trials}
    found = [build.structure(resolved) for resolved in per_resolved.values()]
    return list({structure.digest: structure for structure in found}.values())


def refuse_jobs_at_work(folder: Path) -> None:
    """Refuse a run here while jobs of a cluster work in the same folder.

    Raises
    ------
    SpecError
    """
    if not jobs_folder(folder).exists():
        return
    from neurosim.schedulers import at_work

    busy = {}
    # a folder may be copied to where there is no batch system
    with contextlib.suppress(EngineError):
        busy = {submission.job: len(keys) for submission, keys in at_work(jobs_folder(folder))}
    if busy:
        words = ", ".join(f"{job} ({n} trials)" for job, n in busy.items())
        raise SpecError(
            f"SLURM job {words} is at work in {folder}: follow it with --cluster slurm, or end it with "
            f"'scancel {' '.join(busy)}' first"
        )


def ready(
    pending: Sequence[TrialSpec],
    needs: Mapping[str, Estimate],
    folder: Path,
    engine: str,
    place: Place,
    name: str,
    say: Callable[[str], None],
    nursery: Nursery | None = None,
) -> Scheduler:
    """Refuse what cannot run and make the programs; returns who will run the trials.

    Parameters
    ----------
    pending : sequence of TrialSpec
    needs : mapping, key → Estimate
    folder : Path
    engine : str
    place : Place
    name : str
        Of the experiment.
    say : callable
        Is told what a user should know.
    nursery : Nursery, optional
        Makes the workers of this machine.

    Raises
    ------
    BuildError
        What is pending would not fit on the disk.
    EngineError, SpecError
        The circuit cannot be compiled; the cluster or its file of settings is not usable.
    """
    check_size(sum(needs[trial.key].size for trial in pending), folder)
    scheduler = scheduler_of(place, list(needs.values()), folder, name, say, nursery)
    prepare(engine, structures(pending), say)
    return scheduler


def simulate_pending(
    scheduler: Scheduler, tasks: Sequence[Task], listener: _Listener, most: int | None = None
) -> Simulated:
    """Run trials, each the :class:`~neurosim.runner.execute.Job` of a task.

    Parameters
    ----------
    scheduler : Scheduler
    tasks : sequence of Task
    listener : Listener
    most : int, optional
        Stop after so many failures.

    Raises
    ------
    ResultSchemaError
        A trial could not be written.
    """
    jobs = {task.key: task.argument for task in tasks}
    ended: dict[str, Ended] = {}
    lost: dict[str, str] = {}
    records: dict[str, TrialRecord] = {}
    failures, left = 0, len(jobs)
    # the last ones: a processor will soon have nothing to do
    few = getattr(scheduler, "workers", 1)
    if left <= few:
        load_in_background()
    outcomes = scheduler.run(tasks, execute, listener.progress, write_failure)
    try:
        for outcome in outcomes:
            left -= 1
            if left == few:
                load_in_background()
            if outcome.status == "lost":
                lost[outcome.key] = outcome.message
                continue
            done = outcome.value
            if done.cannot_write:
                raise ResultSchemaError(done.cannot_write)
            ended[done.key] = done
            listener.ended(jobs[outcome.key].spec, done)
            record = done.record or read_ended(jobs[outcome.key].folder, done.key)
            if record is not None:
                records[done.key] = record
            failures += done.outcome not in OUTCOMES_WITH_DATA
            if most is not None and failures >= most and len(ended) < len(jobs):
                return Simulated(ended, lost, stopped=True, records=records)
    except KeyboardInterrupt:
        # before the iterator is closed, which would end what may go on elsewhere
        goes_on = scheduler.detach()
        if goes_on:
            listener.note(goes_on)
        raise
    finally:
        from neurosim.build import forget_drawn

        outcomes.close()
        FIRST_PHASES.forget()
        forget_drawn()
    return Simulated(ended, lost, stopped=False, records=records)


def prepare(engine: str, needed: Sequence, say: Callable[[str], None]) -> None:
    """Make the programs before any worker asks for them; if that takes a moment, say why."""
    from neurosim.engines import get_engine

    words = "compiling the program of this circuit; it is kept, other numbers need no new one"
    timer = threading.Timer(_MOMENT, say, [words])
    timer.daemon = True
    timer.start()
    try:
        for structure in needed:
            get_engine(engine).prepare(structure)
    finally:
        timer.cancel()
