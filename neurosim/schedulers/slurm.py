"""SLURM: job arrays over what is pending, several tasks in each array task, files instead of a live service.

Everything a job needs and leaves lies in a folder of its own: the batch script, the pickled tasks, their outcomes as they
come, the words that the tasks print. Whoever looks later finds jobs that are still at work there and follows them.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import re
import shlex
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosim.errors import EngineError
from neurosim.schedulers.base import Call, OnProgress, Outcome, Rescue, Scheduler, Task
from neurosim.schedulers.shares import SIGNAL, Share

__all__ = ["Request", "Slurm", "Submission", "at_work", "submissions"]

_SCRIPT, _JOB = "script.sh", "job"
#: How often files are looked at and SLURM is asked, s.
_LOOK, _ASK = 0.5, 4.0
#: SLURM is not asked any more after so long without an answer, s; the jobs go on.
_PATIENCE = 1800.0
#: How long what a finished task wrote may take to show on a shared disk, s.
_GRACE = 5.0
#: What a task is meant to last at least, so that starting it is a small part, and its limit over what is expected.
_LEAST_TASK, _MARGIN, _LEAST_LIMIT = 600.0, 3.0, 600.0
#: How long before the limit the signal comes, s.
_NOTICE = 60
#: Indices of an array without a site's own limit.
_USUAL_ARRAY = 1001
#: One thread each; and shared disks often have no locks, while each of our files has one writer.
_ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "HDF5_USE_FILE_LOCKING": "FALSE",
}


@dataclass(frozen=True)
class Request:
    """How a job is asked for.

    Attributes
    ----------
    name : str
        Of the job.
    seconds : float
        What one task is expected to take.
    memory : str
        Of one array task, as SLURM writes it; empty for the site's default.
    limit : float or None, s
        Time limit of an array task; by default three times what its tasks are expected to take.
    tasks_per_share, at_once : int or None
        Tasks in one array task; array tasks that run together.
    partition, account : str or None
    arguments : tuple of str
        Handed to sbatch as they are; they win over the script.
    setup : tuple of str
        Lines of the batch script before Python starts.
    environment : dict
        Variables of the tasks; values may name variables of the node.
    """

    name: str
    seconds: float = 60.0
    memory: str = ""
    limit: float | None = None
    tasks_per_share: int | None = None
    at_once: int | None = None
    partition: str | None = None
    account: str | None = None
    arguments: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Submission:
    """A job that was handed to SLURM.

    Attributes
    ----------
    folder : Path
    job : str
        SLURM's number of it.
    shares : dict, number of the array task → keys of its tasks
    """

    folder: Path
    job: str
    shares: dict[int, tuple[str, ...]]


class Slurm(Scheduler):
    """Job arrays on SLURM.

    Parameters
    ----------
    folder : Path
        Where submissions are kept, on a disk that the nodes share. Jobs of it that are still at work are followed, and
        their tasks are not submitted again.
    request : Request
    say : callable
        Is told in words what becomes of the job.
    follows : bool
        False submits and leaves: no outcome comes, and whoever runs the same tasks later follows.
    """

    def __init__(self, folder: Path, request: Request, say=lambda text: None, follows: bool = True):
        self.folder, self.request, self.say, self.follows = folder, request, say, follows
        self._followed: list[Submission] = []
        self._is_left = False

    def run(
        self,
        tasks: Sequence[Task],
        call: Call,
        on_progress: OnProgress | None = None,
        rescue: Rescue | None = None,
    ) -> Iterator[Outcome]:
        wanted = {task.key for task in tasks}
        held = {job: set(keys) & wanted for job, keys in at_work(self.folder) if wanted & set(keys)}
        taken = set().union(*held.values())
        rest = [task for task in tasks if task.key not in taken]
        if held:
            jobs = ", ".join(submission.job for submission in held)
            self.say(f"SLURM job {jobs} still works on {len(taken)} of them" + ": following it" * self.follows)
        if rest:
            held[self._submit(rest, call, rescue)] = {task.key for task in rest}
        self._followed = list(held)
        if not self.follows:
            return
        try:
            yield from _follow(held, on_progress or (lambda key, part: None), self.say)
        except KeyboardInterrupt:
            # who interrupts the following leaves; a job is ended by its own command
            self._is_left = True
            raise
        finally:
            if not self._is_left:
                for submission in self._followed:
                    _slurm("scancel", "--quiet", submission.job)

    def detach(self) -> str:
        self._is_left = True
        jobs = " ".join(s.job for s in self._followed)
        return f"SLURM job {jobs} goes on: the same command follows it again, 'scancel {jobs}' ends it" if jobs else ""

    def script(self, n_tasks: int) -> str:
        """The batch script for so many tasks, as it would be submitted, with sbatch's own command line on top."""
        size, n_shares = self._shape(n_tasks)
        return _script(self.request, self.folder / "DATE", n_tasks, n_shares, size)

    def _shape(self, n_tasks: int) -> tuple[int, int]:
        """Tasks in one array task, and number of array tasks."""
        asked = self.request.tasks_per_share or max(1, math.ceil(_LEAST_TASK / max(self.request.seconds, 1e-3)))
        size = max(min(asked, n_tasks), math.ceil(n_tasks / _largest_array()))
        return size, math.ceil(n_tasks / size)

    def _submit(self, tasks: Sequence[Task], call: Call, rescue: Rescue | None) -> Submission:
        size, n_shares = self._shape(len(tasks))
        folder = _new_folder(self.folder)
        shares = {k: tasks[k * size : (k + 1) * size] for k in range(n_shares)}
        for number, share in shares.items():
            # trials of one circuit repeat it, and texts are most of it
            Share(folder, number).tasks.write_bytes(zlib.compress(pickle.dumps(list(share)), 1))
        keys = {number: tuple(task.key for task in share) for number, share in shares.items()}
        what = {"path": sys.path, "call": pickle.dumps((call, rescue)), "keys": keys}
        (folder / "submission.pkl").write_bytes(pickle.dumps(what))
        script = folder / _SCRIPT
        script.write_text(_script(self.request, folder, len(tasks), n_shares, size), encoding="utf-8")
        answer = _slurm("sbatch", "--parsable", *self.request.arguments, str(script))
        if answer.returncode:
            said = " ".join((answer.stderr or answer.stdout).split())
            raise EngineError(f"SLURM did not take the job: {said}; the batch script is {script}")
        job = answer.stdout.strip().partition(";")[0]
        (folder / _JOB).write_text(job)
        self.say(
            f"submitted SLURM job {job}: {len(tasks)} trials in {n_shares} array tasks of up to {size}; script {script}"
        )
        return Submission(folder, job, keys)


def submissions(folder: Path) -> list[Submission]:
    """Jobs that were submitted from a folder, the oldest first; one that is damaged is left out."""
    found = []
    for job in sorted(Path(folder).glob(f"*/{_JOB}")):
        with contextlib.suppress(OSError, ValueError, pickle.UnpicklingError, EOFError, KeyError):
            keys = pickle.loads((job.parent / "submission.pkl").read_bytes())["keys"]
            found.append(Submission(job.parent, job.read_text().strip(), keys))
    return found


def at_work(folder: Path) -> list[tuple[Submission, list[str]]]:
    """Jobs of a folder that SLURM still holds, each with the keys of its tasks that have no outcome yet.

    Raises
    ------
    EngineError
        SLURM gives no answer, or there is none. It is asked only if a job left tasks without an outcome.
    """
    open_keys = {s: _without_outcome(s) for s in submissions(folder)}
    open_keys = {s: shares for s, shares in open_keys.items() if shares}
    states = _states([s.job for s in open_keys]) if open_keys else {}
    held = [
        (s, [key for number, keys in shares.items() if (s.job, number) in states for key in keys])
        for s, shares in open_keys.items()
    ]
    return [(s, keys) for s, keys in held if keys]


def _without_outcome(submission: Submission) -> dict[int, list[str]]:
    """Number of the array task → its keys that have no outcome; tasks that are through are left out."""
    found = {}
    for number, keys in submission.shares.items():
        ended = {outcome.key for outcome in Share(submission.folder, number).outcomes.new()}
        found[number] = [key for key in keys if key not in ended]
    return {number: keys for number, keys in found.items() if keys}


def _new_folder(folder: Path) -> Path:
    """A folder for one submission, named by the time."""
    for k in range(1000):
        new = folder / (time.strftime("%Y%m%d-%H%M%S") + (f"-{k}" if k else ""))
        try:
            new.mkdir(parents=True)
        except FileExistsError:
            continue
        return new.resolve()
    raise EngineError(f"{folder}: no folder can be made for another submission")


def _script(request: Request, folder: Path, n_tasks: int, n_shares: int, size: int) -> str:
    limit = request.limit or max(_LEAST_LIMIT, _MARGIN * size * request.seconds)
    lines = {
        "job-name": request.name,
        "partition": request.partition,
        "account": request.account,
        "array": f"0-{n_shares - 1}" + (f"%{request.at_once}" if request.at_once else ""),
        "ntasks": 1,
        "cpus-per-task": 1,
        "mem": request.memory.replace(" ", "").removesuffix("B") or None,
        "time": max(1, math.ceil(limit / 60)),
        "signal": f"B:{SIGNAL.name.removeprefix('SIG')}@{min(_NOTICE, int(limit / 4))}",
        "output": folder / "task-%a.log",
        "open-mode": "append",
    }
    options = [f"#SBATCH --{name}={value}" for name, value in lines.items() if value is not None]
    variables = {**_ALWAYS, **request.environment}
    exports = [f'export {name}="{value}"' for name, value in variables.items()]
    command = " ".join(shlex.quote(word) for word in (sys.executable, "-m", "neurosim.schedulers.slurm_task", str(folder)))
    return "\n".join(
        [
            "#!/bin/bash",
            *options,
            "#SBATCH --requeue",
            "",
            f"# sbatch {shlex.join([*request.arguments, str(folder / _SCRIPT)])}",
            f"# {n_tasks} pending trials, up to {size} in each of {n_shares} array tasks. A task does what has no outcome",
            "# yet, so it may be cancelled, pre-empted or queued again at any time; near its limit it asks for that itself.",
            *request.setup,
            *exports,
            f'exec {command} "$SLURM_ARRAY_TASK_ID"',
            "",
        ]
    )


def _follow(held: Mapping[Submission, set[str]], on_progress: OnProgress, say) -> Iterator[Outcome]:
    """Outcomes of the tasks that jobs hold, until SLURM has no array task left that could bring another."""
    shares = [_Followed(s, number, keys) for s, keys in held.items() for number in s.shares]
    controller = _Controller([s.job for s in held], say)
    while shares := [share for share in shares if share.left]:
        for share in shares:
            yield from share.new()
            share.tell(on_progress)
        states = controller.states()
        for share in shares if states is not None else ():
            yield from share.lost(states)
        if any(share.left for share in shares):
            time.sleep(_LOOK)


class _Followed:
    """One array task as its follower sees it; ``left`` are the keys that it still waits for."""

    def __init__(self, submission: Submission, number: int, keys: set[str]):
        share = Share(submission.folder, number)
        self.job, self.number = submission.job, number
        self.left = keys & set(submission.shares[number])
        self.outcomes, self.progress = share.outcomes, share.progress
        self.told, self.gone = "", 0.0

    def new(self) -> Iterator[Outcome]:
        for outcome in self.outcomes.new():
            if outcome.key in self.left:
                self.left.discard(outcome.key)
                yield outcome

    def tell(self, on_progress: OnProgress) -> None:
        with contextlib.suppress(OSError, ValueError):
            text = self.progress.read_text()
            if text != self.told:
                self.told = text
                for key, part in json.loads(text).items():
                    on_progress(key, part)

    def lost(self, states: Mapping[tuple[str, int], str]) -> Iterator[Outcome]:
        """What this task takes with it, once SLURM does not hold it any more."""
        if not self.left or (self.job, self.number) in states:
            self.gone = 0.0
            return
        self.gone = self.gone or time.monotonic()
        if time.monotonic() - self.gone < _GRACE:
            return
        yield from self.new()
        name = f"{self.job}_{self.number}"
        words = f"SLURM task {name} ended without it ({_end_of(name)}); the same command runs it again"
        lost, self.left = sorted(self.left), set()
        yield from (Outcome(key, "lost", None, words) for key in lost)


class _Controller:
    """Asks SLURM about jobs, not too often; while it does not answer, nothing is known and nothing is lost."""

    def __init__(self, jobs: Sequence[str], say):
        self.jobs, self.say = jobs, say
        self.asked, self.silent_since, self.known = -math.inf, 0.0, None

    def states(self) -> dict[tuple[str, int], str] | None:
        if time.monotonic() - self.asked < _ASK:
            return self.known
        self.asked = time.monotonic()
        try:
            found = _states(self.jobs)
        except EngineError as error:
            self._silent(error)
            return None
        if self.silent_since:
            self.say("SLURM answers again")
        self.silent_since, self.known = 0.0, found
        return found

    def _silent(self, error: EngineError) -> None:
        if not self.silent_since:
            self.silent_since = time.monotonic()
            self.say(f"{error}; jobs go on without it, waiting")
        elif time.monotonic() - self.silent_since > _PATIENCE:
            raise error
        self.known = None


def _states(jobs: Sequence[str]) -> dict[tuple[str, int], str]:
    """(Job, number) → state of the array tasks that SLURM still holds.

    Raises
    ------
    EngineError
        SLURM gives no answer.
    """
    answer = _slurm("squeue", "--noheader", "--array", "--jobs", ",".join(jobs), "--format", "%F %K %T")
    if answer.returncode and "nvalid job id" in answer.stderr:
        return {}
    if answer.returncode:
        raise EngineError(f"SLURM gives no answer: {' '.join(answer.stderr.split())}")
    lines = [line.split() for line in answer.stdout.splitlines()]
    return {(line[0], int(line[1])): line[2] for line in lines if len(line) == 3 and line[1].isdigit()}


def _end_of(task: str) -> str:
    """How SLURM says that an array task ended, as far as it remembers."""
    with contextlib.suppress(EngineError):
        answer = _slurm("scontrol", "show", "job", "--oneliner", task)
        state = re.search(r"\bJobState=(\w+)", answer.stdout)
        if state:
            return state[1].lower().replace("_", " ")
    return "SLURM does not say how"


def _largest_array() -> int:
    """Array tasks that one job may have here."""
    with contextlib.suppress(EngineError):
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", _slurm("scontrol", "show", "config").stdout)
        if found:
            return max(1, int(found[1]))
    return _USUAL_ARRAY


def _slurm(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, env=_plain_environment())
    except FileNotFoundError:
        raise EngineError(
            f"there is no SLURM here: the command {command[0]} is not found; allowed: a login node of a SLURM cluster, or "
            "no --cluster, which runs on this machine"
        ) from None


def _plain_environment() -> dict[str, Any]:
    """The environment without what formats the answers of SLURM's commands otherwise."""
    return {k: v for k, v in os.environ.items() if not re.match(r"(SQUEUE|SBATCH|SCONTROL)_(FORMAT|ARRAY)", k)}
