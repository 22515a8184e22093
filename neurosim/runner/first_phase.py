"""The phase with which trials begin, simulated once where several have it in common.

Arms of a subject differ from their drugs on, and so do the points of a scan of doses: before that they are one and the same
plan, from which an engine makes the same bits. A process that does one trial after the other need not do it again, and those
beside it need not either.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim._memory import once_each
from neurosim.build import Plan, Wiring
from neurosim.engines import RawPhase

if TYPE_CHECKING:
    from neurosim.schedulers import Scheduler

__all__ = ["FirstPhases", "plan_digest", "shared_folder"]

#: Bytes of results that are kept at most, by each process and for all of a run.
_ROOM = 200_000_000


class FirstPhases:
    """What became of plans, as long as there is room; those that were not asked for longest go first.

    Parameters
    ----------
    room : int
        Bytes, in memory and in a folder.
    """

    def __init__(self, room: int = _ROOM):
        self.room = room
        self.kept: OrderedDict[str, tuple[RawPhase, int]] = OrderedDict()

    def run(self, engine: str, plan: Plan, run: Callable[[], RawPhase], shared: Path | None = None) -> RawPhase:
        """What an engine makes of a plan: remembered, and then it took no time, or from ``run``.

        Parameters
        ----------
        engine : str
        plan : Plan
        run : callable
            Has the engine run it.
        shared : Path, optional
            Folder in which other processes may have left it, and in which it is left for them.
        """
        key = f"{engine}-{plan_digest(plan)}"
        raw = self.kept[key][0] if key in self.kept else _read(shared, key)
        if raw is not None:
            self._keep(key, raw)
            return replace(raw, wall_time=0.0, loop_time=0.0)
        raw = run()
        self._keep(key, raw)
        _write(shared, key, raw, self.room)
        return raw

    def _keep(self, key: str, raw: RawPhase) -> None:
        self.kept[key] = raw, _size(raw)
        self.kept.move_to_end(key)
        while sum(size for _, size in self.kept.values()) > self.room:
            self.kept.popitem(last=False)

    def forget(self) -> None:
        """Give the memory back."""
        self.kept.clear()


@contextlib.contextmanager
def shared_folder(scheduler: Scheduler) -> Iterator[Path | None]:
    """A folder for several processes of this machine, gone at the end of their run; None for other runs."""
    if getattr(scheduler, "workers", 1) == 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="neurosim-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _read(shared: Path | None, key: str) -> RawPhase | None:
    if shared is not None:
        # one that is damaged, or was made by another version of this class, is as good as none
        with contextlib.suppress(OSError, pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError):
            return pickle.loads((shared / key).read_bytes())
    return None


def _write(shared: Path | None, key: str, raw: RawPhase, room: int) -> None:
    """Leave a result in a folder, whole or not at all, if there is room."""
    if shared is None:
        return
    temporary, size = shared / f"{key}.{os.getpid()}", _size(raw)
    # where it cannot be left, each process does its own
    with contextlib.suppress(OSError):
        left = room - sum(path.stat().st_size for path in shared.iterdir())
        if size > min(left, shutil.disk_usage(shared).free / 2):
            return
        try:
            temporary.write_bytes(pickle.dumps(raw, pickle.HIGHEST_PROTOCOL))
            os.replace(temporary, shared / key)
        finally:
            temporary.unlink(missing_ok=True)


def plan_digest(plan: Plan) -> str:
    """Hex digest of all that a plan holds; equal digests, equal results."""
    return _digest(plan).hex()


def _digest(value: Any) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for part in _parts(value):
        found.update(part)
    return found.digest()


@once_each
def _wiring_digest(wiring: Wiring) -> bytes:
    # most of a plan, and the same object in all trials of a subject
    return _digest(vars(wiring))


def _parts(value: Any):
    """Bytes that tell a value from every other one of its kind."""
    if isinstance(value, Wiring):
        yield _wiring_digest(value)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str}{value.shape}".encode()
        yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield f"{name}:".encode()
            yield from _parts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield f"{field.name}=".encode()
            yield from _parts(getattr(value, field.name))
    else:
        yield f"{value!r};".encode()


def _size(raw: RawPhase) -> int:
    arrays = [raw.spike_i, raw.spike_step, raw.c_start, raw.c_end, raw.S_end, raw.Q_end]
    return sum(array.nbytes for array in (*arrays, *raw.traces.values(), *raw.means.values()))
