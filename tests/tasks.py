"""Callables for the tests of schedulers: they must be importable from a worker process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def square(argument, report):
    report(0.5)
    return argument**2


def behave(argument, report):
    """Write down that the task ran, then end as told."""
    folder, key, how = argument
    with open(Path(folder) / f"{key}.calls", "a") as file:
        file.write("x")
    if how == "raise":
        raise ValueError("as told")
    if how == "die":
        print("these were its last words", file=sys.stderr, flush=True)
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (Path(folder) / f"{key}.pid").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)
    return key


def surroundings(argument, report):
    """Whether a module is loaded, threads of the algebra, and whether the process leads a session."""
    return argument in sys.modules, os.environ.get("OMP_NUM_THREADS"), os.getsid(0) == os.getpid()


def process(argument, report):
    """After so many seconds the number of its process."""
    time.sleep(argument)
    return os.getpid()


def rescue(argument, outcome):
    return f"rescued {argument[1]}: {outcome.status}"


def alive(pid):
    """Whether a process runs; one that ended but was not collected yet does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_until(condition, seconds=60):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        time.sleep(0.05)
    return False


class Unpackable:
    """Raises where it arrives."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise ValueError("cannot be unpacked")


def first(argument, report):
    return argument[0]
