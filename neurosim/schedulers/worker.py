"""The far end of :class:`neurosim.schedulers.Local`: one worker process."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
import traceback
from multiprocessing.connection import Connection

from neurosim.schedulers.local import sentence
from neurosim.schedulers.wire import Receiver

__all__ = ["serve"]

#: Progress is told at most this often, s.
_PROGRESS_EVERY = 0.2


def serve(fd: int) -> None:
    """Take tasks from a socket and answer each, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection, tasks = Connection(fd), queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    receiver = Receiver()
    while True:
        connection.send(_work(connection, receiver, tasks.get()))


def _listen(connection: Connection, tasks: queue.SimpleQueue) -> None:
    """Queue what comes. When the other end is gone, end this process and every program it started."""
    while True:
        try:
            tasks.put(connection.recv())
        except (EOFError, OSError):
            os.killpg(0, signal.SIGKILL)


def _work(connection: Connection, receiver: Receiver, packed: tuple[bool, bytes]) -> tuple:
    told = 0.0

    def report(part: float) -> None:
        nonlocal told
        if time.monotonic() - told > _PROGRESS_EVERY:
            told = time.monotonic()
            connection.send(("progress", float(part)))

    try:
        call, argument = receiver.unpack(packed)
        return ("done", call(argument, report))
    except Exception as error:
        return ("raised", None, sentence(error), traceback.format_exc())
