"""This machine: tasks on N worker processes, or in this process where there is one worker.

Workers are plain Python processes of their own session, so that a worker and every program it started can be ended
together, and they end themselves when this process is gone. They do not import the caller's ``__main__``.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

from neurosim.schedulers.base import Call, OnProgress, Outcome, Rescue, Scheduler, Task, settled
from neurosim.schedulers.nursery import Child, Nursery
from neurosim.schedulers.wire import Sender

__all__ = ["Local", "cpu_count", "free_memory", "nursery", "sentence"]

_START = (
    "import json, sys; fd, sys.path[:] = int(sys.argv[1]), json.loads(sys.argv[2]); "
    "from neurosim.schedulers.worker import serve; serve(fd)"
)
#: How often limits are looked at, s.
_TICK = 0.5
#: Characters of a dead worker's last words that are kept.
_LAST_WORDS = 2000
_CGROUPS = Path("/sys/fs/cgroup")
#: Each worker computes on one thread; N of them shall not start N times N.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)


def cpu_count() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> float:
    """Bytes that this process and what it starts may still take; infinite where the system does not say."""
    return max(0.0, min(_of_the_machine(), *(_of_a_group(group) for group in _groups())))


def _groups() -> Iterator[Path]:
    """Control groups that this process is in, as a batch system or a container sets them up."""
    yield _CGROUPS
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::/"):
                own = _CGROUPS / line.removeprefix("0::/")
                yield from (own, *(parent for parent in own.parents if _CGROUPS in parent.parents))


def _of_a_group(group: Path) -> float:
    with contextlib.suppress(OSError, ValueError, KeyError):
        limit, used = (float((group / name).read_text()) for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # what files have left in memory goes when a program needs the room
        return limit - used + float(stat["inactive_file"])
    return math.inf


def _of_the_machine() -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * float(line.split()[1])
    return math.inf


def sentence(error: BaseException) -> str:
    """An exception as one line: its words, with its type unless it speaks for itself."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def nursery(modules: Sequence[str]) -> Nursery | None:
    """What makes workers that have imported some modules; None on systems where they had better begin by themselves."""
    return Nursery.where_safe(modules, _ONE_THREAD)


class Local(Scheduler):
    """Worker processes on this machine.

    Parameters
    ----------
    workers : int
        With 1 the tasks run in this process, one after the other, without limits of time.
    apart : bool
        A single worker is a process of its own too, so that a task that dies or hangs takes nothing with it.
    is_over : callable
        Asked every half second where workers are processes; once it is true, the rest is given up.
    nursery : Nursery, optional
        Makes the workers; its owner closes it. Without one each starts, and imports, by itself.
    """

    def __init__(
        self,
        workers: int,
        apart: bool = False,
        is_over: Callable[[], bool] = lambda: False,
        nursery: Nursery | None = None,
    ):
        if workers < 1:
            raise ValueError(f"workers: {workers} was given; allowed: 1 or more")
        self.workers, self.apart, self.is_over, self.nursery = workers, apart, is_over, nursery

    def run(
        self,
        tasks: Sequence[Task],
        call: Call,
        on_progress: OnProgress | None = None,
        rescue: Rescue | None = None,
    ) -> Iterator[Outcome]:
        on_progress = on_progress or (lambda key, part: None)
        if self.workers == 1 and not self.apart:
            outcomes = _here(tasks, call, on_progress)
        else:
            n = min(self.workers, len(tasks))
            outcomes = _elsewhere(tasks, lambda: _Worker(call, self.nursery), on_progress, n, self.is_over)
        given = {task.key: task for task in tasks}
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                yield settled(outcome, given[outcome.key], rescue)


def _here(tasks: Sequence[Task], call: Call, on_progress: OnProgress) -> Iterator[Outcome]:
    for task in tasks:
        try:
            value = call(task.argument, lambda part, key=task.key: on_progress(key, part))
        except Exception as error:
            yield Outcome(task.key, "raised", None, sentence(error), traceback.format_exc())
        else:
            yield Outcome(task.key, "done", value)


def _elsewhere(
    tasks: Sequence[Task], start: Callable[[], _Worker], on_progress: OnProgress, n: int, is_over: Callable[[], bool]
) -> Iterator[Outcome]:
    waiting, busy, idle, ended = deque(tasks), {}, [], []
    try:
        while (waiting or busy) and not is_over():
            while waiting and len(busy) < n:
                worker = idle.pop() if idle else start()
                worker.give(waiting.popleft())
                busy[worker.connection] = worker
            while idle and not waiting:
                idle.pop().end()
            # what is done with an outcome takes its time, and no worker waits for that
            yield from ended
            ended = []
            for connection in wait(list(busy), timeout=_TICK):
                outcome = busy[connection].answer(on_progress)
                if outcome is not None:
                    worker = busy.pop(connection)
                    if worker.is_alive:
                        idle.append(worker)
                    ended.append(outcome)
            for worker in [worker for worker in busy.values() if worker.is_late]:
                del busy[worker.connection]
                ended.append(worker.give_up())
        yield from ended
    finally:
        for worker in [*busy.values(), *idle]:
            worker.end()


class _Worker:
    """One worker process and the task it has."""

    def __init__(self, call: Call, nursery: Nursery | None):
        ours, theirs = socket.socketpair()
        self.connection = Connection(ours.detach())
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 (closed in end)
        self.last_words = ""
        with theirs:
            self.process = self._start(theirs.fileno(), nursery)
        self.call, self.sender = call, Sender()
        self.task: Task | None = None
        self.since = 0.0
        self.is_alive = True

    def _start(self, fd: int, nursery: Nursery | None) -> subprocess.Popen | Child:
        if nursery is not None:
            # where it has died, a worker can still start by itself
            with contextlib.suppress(OSError):
                return nursery.fork(fd, self.output.fileno())
        return subprocess.Popen(
            [sys.executable, "-c", _START, str(fd), json.dumps(sys.path)],
            pass_fds=[fd],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | _ONE_THREAD,
        )

    def give(self, task: Task) -> None:
        self.task, self.since = task, time.monotonic()
        # A worker that is already dead is noticed when its answer is read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(self.sender.pack((self.call, task.argument)))

    def answer(self, on_progress: OnProgress) -> Outcome | None:
        """The outcome, if what came is one."""
        try:
            word, *rest = self.connection.recv()
        except (EOFError, ConnectionResetError, pickle.UnpicklingError):
            return self._died()
        if word == "progress":
            on_progress(self.task.key, rest[0])
            return None
        if word != "done":
            # what went wrong may have been the unpacking, after which the worker lacks what it brought
            self.sender = Sender()
        return Outcome(self.task.key, word, *rest)

    @property
    def is_late(self) -> bool:
        return self.task.limit is not None and time.monotonic() - self.since > self.task.limit

    def give_up(self) -> Outcome:
        self.end()
        return Outcome(self.task.key, "timeout", None, f"gave no answer within {self.task.limit:.0f} s")

    def _died(self) -> Outcome:
        self.end()
        code = self.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        hint = " (often a lack of memory)" if code == -signal.SIGKILL else ""
        return Outcome(self.task.key, "died", None, f"its worker process {how}{hint}", self.last_words)

    def end(self) -> None:
        """End the worker and all it started."""
        self.is_alive = False
        self.connection.close()
        # A worker that ends by itself keeps its own exit status, so it gets a moment; then its whole session goes.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=0.2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with self.output as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - _LAST_WORDS))
            self.last_words = output.read().decode(errors="replace")
