"""How far the experiment of a folder is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import EngineError
from neurosim.recording import OUTCOMES_WITH_DATA, TrialRecord
from neurosim.runner.folder import Mark, finished, marks, read_plan
from neurosim.runner.where import jobs_folder
from neurosim.schedulers import at_work

__all__ = ["FailedTrial", "JobAtWork", "SilentTrial", "Status", "status"]


#: A trial that has said nothing for so long, s, may hang or be gone.
_SILENT = 600.0


@dataclass(frozen=True)
class FailedTrial:
    """A trial without data, and why."""

    key: str
    arm: str
    subject: int
    point: str
    outcome: str
    message: str


@dataclass(frozen=True)
class SilentTrial:
    """A trial that a process once said it works on, and has not said so for a while."""

    key: str
    arm: str
    subject: int
    point: str
    where: str
    quiet: float


@dataclass(frozen=True)
class JobAtWork:
    """A job of a cluster that still holds trials of the folder.

    Attributes
    ----------
    job : str
    trials : int
        That have no outcome yet.
    folder : Path
        Its script and what its tasks said.
    """

    job: str
    trials: int
    folder: Path


@dataclass(frozen=True)
class Status:
    """Trials of the last run of a folder.

    Attributes
    ----------
    experiment : str
    total, done, running, missing : int
        ``running`` are those that a process works on, silent ones left out; ``missing`` neither run nor have an end.
    outcomes : dict, outcome → number
        Of the trials that are done.
    failed : tuple of FailedTrial
    silent : tuple of SilentTrial
    damaged : tuple of Path
        Files that cannot be read; the next run replaces them. They count as missing.
    jobs : tuple of JobAtWork
    left : float or None, s
        What is left at the pace of the trials at work; None if none is, or none is finished.
    """

    experiment: str
    total: int
    done: int
    running: int
    missing: int
    outcomes: dict[str, int]
    failed: tuple[FailedTrial, ...]
    silent: tuple[SilentTrial, ...]
    damaged: tuple[Path, ...]
    jobs: tuple[JobAtWork, ...]
    left: float | None


def status(folder: str | Path) -> Status:
    """Look at a folder; nothing is changed.

    Raises
    ------
    ResultSchemaError
        No run has written there.
    """
    folder = Path(folder)
    plan = read_plan(folder)
    trials = {trial["key"]: trial for trial in plan["trials"]}
    headers, damaged = finished(folder, trials)
    jobs = _jobs(folder)
    open_marks = {m.key: m for m in marks(folder) if m.key in trials and m.key not in headers and not _is_gone(m, jobs)}
    silent = {key for key, mark in open_marks.items() if mark.quiet > _SILENT}
    where = {key: _where(plan, trial) for key, trial in trials.items() if key in headers or key in silent}
    n_running = len(open_marks) - len(silent)
    done = Counter(h.outcome for h in headers.values() if h.outcome in OUTCOMES_WITH_DATA)
    return Status(
        experiment=plan["experiment"],
        total=len(trials),
        done=done.total(),
        running=n_running,
        missing=len(trials) - len(headers) - len(open_marks),
        outcomes=dict(done),
        failed=tuple(
            FailedTrial(key, *where[key], header.outcome, header.message)
            for key, header in headers.items()
            if header.outcome not in OUTCOMES_WITH_DATA
        ),
        silent=tuple(
            SilentTrial(key, *where[key], _place(open_marks[key]), open_marks[key].quiet) for key in sorted(silent)
        ),
        damaged=tuple(damaged),
        jobs=jobs or (),
        left=_left(headers.values(), len(trials) - len(headers), n_running),
    )


def _where(plan: dict, trial: dict) -> tuple[str, int, str]:
    """Arm, subject and, in words, scan point of a trial."""
    words = [
        f"{axis} {texts[index]}"
        for dimension, index in zip(plan["axes"], trial["point"], strict=True)
        for axis, texts in dimension["values"].items()
    ]
    return trial["arm"], trial["subject"], ", ".join(words)


def _jobs(folder: Path) -> tuple[JobAtWork, ...] | None:
    """Jobs at work; None where there is no batch system to ask, for a folder may be looked at anywhere."""
    try:
        return tuple(JobAtWork(s.job, len(keys), s.folder) for s, keys in at_work(jobs_folder(folder)))
    except EngineError:
        return None


def _is_gone(mark: Mark, jobs: tuple[JobAtWork, ...] | None) -> bool:
    """Whether the process is known to be no more: of this host, or of a job that was cancelled."""
    if mark.job and jobs is not None:
        return mark.is_gone or mark.job.partition("_")[0] not in {job.job for job in jobs}
    return mark.is_gone


def _place(mark: Mark) -> str:
    return f"{mark.host}, job {mark.job}" if mark.job else mark.host


def _left(headers: Iterable[TrialRecord], n_left: int, n_running: int) -> float | None:
    times = [h.wall_time for h in headers if h.outcome in OUTCOMES_WITH_DATA]
    return n_left * sum(times) / len(times) / n_running if times and n_running and n_left else None
