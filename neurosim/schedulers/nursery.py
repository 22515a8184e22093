"""Workers by fork: one process imports what all of them need, and each begins as its copy.

It begins to import while its owner still reads an experiment, so that the first worker need not wait for that. It has a
single thread and no file open when it forks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence

from neurosim._memory import collect_rarely

__all__ = ["Child", "Nursery", "tend"]

_START = (
    "import json, sys; fd, sys.path[:], modules = int(sys.argv[1]), *map(json.loads, sys.argv[2:]); "
    "from neurosim.schedulers.nursery import tend; tend(fd, modules)"
)
_LARGEST = 4096
#: How often an ending child is looked at, s.
_TICK = 0.005


class Nursery:
    """The process that forks, seen from its owner; a context manager.

    Parameters
    ----------
    modules : sequence of str
        What it imports.
    environment : mapping
        Of the workers, beside that of this process.
    """

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]):
        # keeps the bounds of messages; a fork of a process with the frameworks of macOS loaded is not safe
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket, self.asked = ours, 0
        self.answers: dict[int, int | None] = {}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno()), json.dumps(sys.path), json.dumps(list(modules))],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | dict(environment),
            )

    @classmethod
    def where_safe(cls, modules: Sequence[str], environment: Mapping[str, str]) -> Nursery | None:
        """A nursery, or None on a system where a process full of libraries should not be forked."""
        return cls(modules, environment) if sys.platform == "linux" else None

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; workers that it made go on."""
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def fork(self, connection: int, output: int) -> Child:
        """A worker that serves the file descriptor ``connection`` and writes to ``output``; both may then be closed.

        Raises
        ------
        OSError
            The process is gone.
        """
        return Child(self, self.ask({"do": "fork"}, [connection, output]))

    def ask(self, request: Mapping[str, float | str], files: Sequence[int] = ()) -> int:
        """Send a request; its number is what :meth:`answer` wants."""
        self.asked += 1
        socket.send_fds(self.socket, [json.dumps({**request, "number": self.asked}).encode()], list(files))
        return self.asked

    def answer(self, number: int) -> int | None:
        """What came back of a request; ConnectionError if the process is gone."""
        while number not in self.answers:
            data = self.socket.recv(_LARGEST)
            if not data:
                raise ConnectionError("the process that makes workers is gone")
            of, value = json.loads(data)
            self.answers[of] = value
        return self.answers.pop(number)


class Child:
    """A worker of a nursery, as far as a :class:`subprocess.Popen` is needed."""

    def __init__(self, nursery: Nursery, number: int):
        self.nursery, self.number = nursery, number
        self.returncode: int | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """Its number as a process; ProcessLookupError if it never came to be."""
        if self._pid is None:
            try:
                self._pid = self.nursery.answer(self.number)
            except OSError as error:
                raise ProcessLookupError(str(error)) from error
        return self._pid

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit status, negative for a signal; subprocess.TimeoutExpired while it runs."""
        if self.returncode is None:
            try:
                asked = self.nursery.ask({"do": "wait", "pid": self.pid, "timeout": timeout})
                self.returncode = self.nursery.answer(asked)
            except OSError:
                # nobody is left who could say how it ended; what ends processes unasked is SIGKILL
                self.returncode = -signal.SIGKILL
        if self.returncode is None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return self.returncode


def tend(fd: int, modules: Sequence[str]) -> None:
    """Import, then fork a worker for each request, until the owner closes the socket."""
    from neurosim.schedulers.worker import serve

    gc.disable()
    for name in modules:
        importlib.import_module(name)
    # what is there stays: a collection in a worker need not look at it, nor copy the pages that it lies on
    gc.freeze()
    collect_rarely()
    gc.enable()
    with socket.socket(fileno=fd) as control:
        while True:
            data, files, _, _ = socket.recv_fds(control, _LARGEST, 2)
            if not data:
                return
            request = json.loads(data)
            if request["do"] == "wait":
                value = _status(request["pid"], request["timeout"])
            elif (value := os.fork()) == 0:
                control.close()
                _become_worker(serve, *files)
            for file in files:
                os.close(file)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                control.send(json.dumps([request["number"], value]).encode())


def _become_worker(serve, connection: int, output: int) -> None:
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        serve(connection)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        # nothing of the process that it is a copy of may run on here
        os._exit(1)


def _status(pid: int, timeout: float) -> int | None:
    """Exit status of a child once it ended; None if it has not after so many seconds."""
    end = time.monotonic() + timeout
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(_TICK)
