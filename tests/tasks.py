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
