"""What one task of a SLURM array runs: its share of the tasks, one after the other, each in a worker process.

    python -m neurosim.schedulers.slurm_task FOLDER NUMBER

Before the time limit SLURM sends a signal: the task under way is given up and the array task queued again, where it goes on
with what has no outcome yet.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

from neurosim.schedulers.base import Outcome, Task, settled
from neurosim.schedulers.local import Local
from neurosim.schedulers.shares import SIGNAL, Journal, Share

__all__ = ["main"]

#: Progress is written down at most this often, s.
_EVERY = 2.0
#: How long to ask for being queued again, s, and how often.
_PATIENCE, _AGAIN = 600.0, 5.0


class _TimeIsUp(BaseException):
    """The job's time limit is near."""


def main(folder: Path, number: int) -> int:
    """Run what of a share has no outcome yet; returns the exit status."""
    submission = pickle.loads((folder / "submission.pkl").read_bytes())
    # what the tasks need may lie where only the submitting process looked
    sys.path[:] = dict.fromkeys([*submission["path"], *sys.path])
    share = Share(folder, number)
    call, rescue = pickle.loads(submission["call"])
    tasks: list[Task] = pickle.loads(zlib.decompress(share.tasks.read_bytes()))
    ended = {outcome.key for outcome in share.outcomes.open_to_write()}
    left = [task for task in tasks if task.key not in ended]
    signal.signal(SIGNAL, _time_is_up)
    try:
        with contextlib.closing(Local(1, apart=True).run(left, call, _Progress(share.progress), rescue)) as outcomes:
            for outcome in outcomes:
                share.outcomes.append(outcome)
    except _TimeIsUp:
        signal.signal(SIGNAL, signal.SIG_IGN)
        written = {outcome.key for outcome in Journal(share.outcomes.path).new()}
        left = [task for task in left if task.key not in written]
        if left and not written - ended:
            share.outcomes.open_to_write()
            share.outcomes.append(settled(_too_long(left[0]), left[0], rescue))
            left = left[1:]
        return _queue_again() if left else 0
    return 0


def _time_is_up(number: int, frame: object) -> None:
    raise _TimeIsUp


def _too_long(task: Task) -> Outcome:
    words = "it does not fit into the time limit of a SLURM task; give more, e.g. --sbatch-arg=--time=120"
    return Outcome(task.key, "timeout", None, words)


class _Progress:
    """Writes down how far the task under way is, for whoever follows."""

    def __init__(self, path: Path):
        self.path, self.told = path, 0.0

    def __call__(self, key: str, part: float) -> None:
        if time.monotonic() - self.told > _EVERY:
            self.told = time.monotonic()
            temporary = self.path.with_suffix(".tmp")
            # a full disk is told by the results themselves
            with contextlib.suppress(OSError):
                temporary.write_text(json.dumps({key: part}))
                os.replace(temporary, self.path)


def _queue_again() -> int:
    """Ask SLURM to run this array task once more; it ends this process. A site may not allow it: then the rest is lost."""
    name = f"{os.environ.get('SLURM_ARRAY_JOB_ID')}_{os.environ.get('SLURM_ARRAY_TASK_ID')}"
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        # before it is asked: where the answer is yes, this process may be ended before it can say so
        sys.stderr.write(f"time limit: asks for {name} to run again\n")
        sys.stderr.flush()
        asked = subprocess.run(["scontrol", "requeue", name], capture_output=True, text=True, check=False)
        answer = (asked.stderr or asked.stdout).strip()
        if answer:
            sys.stderr.write(f"{answer}\n")
        if asked.returncode == 0:
            time.sleep(_PATIENCE)
        elif "nable to contact" not in asked.stderr:
            return 1
        time.sleep(_AGAIN)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2])))
