"""What the array tasks of a job read and leave: their tasks, and outcomes that are whole whatever is killed when."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from neurosim.schedulers.base import Outcome

__all__ = ["SIGNAL", "Journal", "Share"]

#: Sent to an array task some time before its limit.
SIGNAL = signal.SIGUSR1
#: Length and check sum of what follows.
_HEAD = struct.Struct("<II")


class Journal:
    """Outcomes one after the other; what a dying process wrote in part does not count.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path):
        self.path, self._seen = path, 0

    def new(self) -> Iterator[Outcome]:
        """Outcomes that were written since the last call."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._seen)
                while (record := _read(file)) is not None:
                    self._seen = file.tell()
                    yield record
        except FileNotFoundError:
            return

    def open_to_write(self) -> list[Outcome]:
        """What is there; a part that a killed process left behind it is cut off, so that the next one follows."""
        outcomes = list(self.new())
        if self.path.exists():
            os.truncate(self.path, self._seen)
        return outcomes

    def append(self, outcome: Outcome) -> None:
        """Write an outcome so that it survives this process."""
        data = pickle.dumps(outcome)
        with open(self.path, "ab") as file:
            file.write(_HEAD.pack(len(data), zlib.crc32(data)) + data)
            file.flush()
            os.fsync(file.fileno())


def _read(file) -> Outcome | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, checksum = _HEAD.unpack(head)
    data = file.read(length)
    return pickle.loads(data) if len(data) == length and zlib.crc32(data) == checksum else None


class Share:
    """The files of one array task within the folder of its submission."""

    def __init__(self, folder: Path, number: int):
        self.tasks = folder / f"tasks-{number}.pkl"
        self.outcomes = Journal(folder / f"outcomes-{number}")
        self.progress = folder / f"progress-{number}.json"
