"""How far the experiment of a folder is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from neurosim.recording import OUTCOMES_WITH_DATA
from neurosim.runner.folder import finished, read_plan, running

__all__ = ["FailedTrial", "Status", "status"]


@dataclass(frozen=True)
class FailedTrial:
    """A trial without data, and why."""

    key: str
    arm: str
    subject: int
    point: tuple[int, ...]
    outcome: str
    message: str


@dataclass(frozen=True)
class Status:
    """Trials of the last run of a folder.

    Attributes
    ----------
    experiment : str
    total, done, running, missing : int
    outcomes : dict, outcome → number
        Of the trials that are done.
    failed : tuple of FailedTrial
    damaged : tuple of Path
        Files that cannot be read; the next run replaces them. They count as missing.
    """

    experiment: str
    total: int
    done: int
    running: int
    missing: int
    outcomes: dict[str, int]
    failed: tuple[FailedTrial, ...]
    damaged: tuple[Path, ...]


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
    at_work = (running(folder) & trials.keys()) - headers.keys()
    failed = tuple(
        FailedTrial(
            key,
            trials[key]["arm"],
            trials[key]["subject"],
            tuple(trials[key]["point"]),
            header.outcome,
            header.message,
        )
        for key, header in headers.items()
        if header.outcome not in OUTCOMES_WITH_DATA
    )
    done = Counter(h.outcome for h in headers.values() if h.outcome in OUTCOMES_WITH_DATA)
    return Status(
        experiment=plan["experiment"],
        total=len(trials),
        done=done.total(),
        running=len(at_work),
        missing=len(trials) - len(headers) - len(at_work),
        outcomes=dict(done),
        failed=failed,
        damaged=tuple(damaged),
    )
