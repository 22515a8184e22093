"""The folder of an experiment: can it be written to, what is in it, who works on it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import ResultSchemaError
from neurosim.recording import block_headers, block_paths, read_header, sweep, trial_path
from neurosim.recording.files import is_alive
from neurosim.recording.trials import TrialRecord

__all__ = [
    "FIGURE",
    "JOBS",
    "PLAN",
    "Mark",
    "alone",
    "clear",
    "finished",
    "has_plan",
    "mark_running",
    "marks",
    "open_folder",
    "read_plan",
    "write_plan",
]

PLAN = "plan.json"
PLAN_SCHEMA = "neurosim-plan/2"
FIGURE = "overview.png"
#: Where jobs that were submitted are kept.
JOBS = "slurm"
_MARK = ".running"
_LOCK = ".run.lock"
#: Seconds after which a trial at work says again that it is.
_BEAT = 5.0


def open_folder(folder: Path) -> None:
    """Make the folder and try to write into it.

    Raises
    ------
    ResultSchemaError
        It is a file, cannot be made or written to, or its disk is full.
    """
    trials = folder / "trials"
    probe = trials / f".probe.{os.getpid()}.tmp"
    try:
        trials.mkdir(parents=True, exist_ok=True)
        # first, for what dead processes left may be what fills the disk
        sweep(trials)
        sweep(folder)
        probe.write_bytes(b"neurosim")
    except (FileExistsError, NotADirectoryError) as error:
        blocking = next((p for p in (trials, *trials.parents) if p.exists() and not p.is_dir()), folder)
        raise ResultSchemaError(
            f"output folder {folder}: {blocking} is a file; give a folder with --output DIR"
        ) from error
    except OSError as error:
        raise ResultSchemaError(
            f"output folder {folder} cannot be written to: {error.strerror}; give another with --output DIR"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    for mark in marks(folder):
        if mark.is_gone:
            (trials / f"{mark.key}{_MARK}").unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only run at work in a folder; the system gives the lock back however this process ends.

    Where the disk has no locks two runs may meet: their files are whole and the same all the same.

    Raises
    ------
    ResultSchemaError
        Another run is at work there.
    """
    # opened to append: who reads it sees whole words of who holds it
    with open(folder / _LOCK, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip()
            raise ResultSchemaError(
                f"another run is at work in {folder}{f' ({who})' if who else ''}: wait for it or stop it, or give another "
                "folder with --output DIR"
            ) from None
        except OSError:
            yield
            return
        # what it says is for people; a full disk is told by what matters
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            file.flush()
        yield


def clear(folder: Path) -> None:
    """Remove what runs have written, and nothing else."""
    for path in [folder / "summary.h5", folder / FIGURE, folder / PLAN, *(folder / "trials").glob("*.h5")]:
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / JOBS, ignore_errors=True)


def finished(folder: Path, keys: Iterable[str]) -> tuple[dict[str, TrialRecord], list[Path]]:
    """Headers of the trials that are in a whole file, and the files that are there and cannot be read.

    Every byte of a file is read once: one that has not changed since a summary was made of it is not read again.
    """
    from neurosim.analysis import known_headers

    headers, damaged = {}, []
    keys = list(keys)
    known, since = known_headers(folder)
    for path in block_paths(folder):
        try:
            found = block_headers(path)
        except ResultSchemaError:
            damaged.append(path)
        else:
            headers |= {key: found[key] for key in keys if key in found}
    for key in keys:
        path = trial_path(folder, key)
        changed = _changed(path)
        if changed is None:
            continue
        if key in known and changed < since:
            headers[key] = known[key]
            continue
        try:
            headers[key] = read_header(path)
        except ResultSchemaError:
            damaged.append(path)
    return headers, damaged


def _changed(path: Path) -> int | None:
    """When a file was last changed, ns; None if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def write_plan(folder: Path, plan: dict) -> None:
    """Write down what the run asks for, whole or not at all; ``status`` reads it."""
    path = folder / PLAN
    temporary = folder / f".{PLAN}.{os.getpid()}.tmp"
    said = {"schema": PLAN_SCHEMA, **plan}
    try:
        temporary.write_text(json.dumps({"digest": _digest(said), **said}, indent=1), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ResultSchemaError(f"cannot write {path}: {error.strerror}") from error


def has_plan(folder: Path, plan: dict) -> bool:
    """Whether the plan that is written asks for the same trials."""
    try:
        written = read_plan(folder)
    except ResultSchemaError:
        return False
    return all(written.get(key) == plan[key] for key in ("experiment", "axes", "trials"))


def read_plan(folder: Path) -> dict:
    """What the last run in a folder asked for.

    Raises
    ------
    ResultSchemaError
        There is no such file, or it is damaged.
    """
    path = folder / PLAN
    if folder.exists() and not folder.is_dir():
        raise ResultSchemaError(f"{folder} is not a folder; give the folder that a run wrote to")
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultSchemaError(
            f"{folder} is not the folder of an experiment: it has no {PLAN}; give the folder that a run wrote to"
        ) from None
    except (OSError, ValueError) as error:
        raise ResultSchemaError(
            f"{path} is damaged: run the experiment again, finished trials are kept"
        ) from error
    if not isinstance(plan, dict) or plan.get("schema") != PLAN_SCHEMA:
        raise ResultSchemaError(f"{path} is not of schema {PLAN_SCHEMA!r}: run the experiment again")
    if plan.pop("digest", None) != _digest(plan):
        raise ResultSchemaError(f"{path} is damaged: run the experiment again, finished trials are kept")
    return plan


def _digest(plan: dict) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Mark:
    """A trial that a process said it works on.

    Attributes
    ----------
    key : str
    host : str
    job : str
        Array task of a batch system, ``JOB_NUMBER``; empty if none.
    quiet : float, s
        Since it last said so.
    is_gone : bool
        The process was of this host and is no more. One of another host may be at work, or quiet.
    """

    key: str
    host: str
    job: str
    quiet: float
    is_gone: bool


@contextlib.contextmanager
def mark_running(folder: Path, key: str) -> Iterator[Callable[[], None]]:
    """Say that this process works on a trial, for ``status``; what is given says so again."""
    mark, told = folder / "trials" / f"{key}{_MARK}", time.monotonic()
    said = {"pid": os.getpid(), "host": platform.node(), "job": _job(), "since": time.time()}
    with contextlib.suppress(OSError):
        mark.write_text(json.dumps(said))

    def beat() -> None:
        nonlocal told
        if time.monotonic() - told > _BEAT:
            told = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(mark)

    try:
        yield beat
    finally:
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)


def _job() -> str:
    """The array task of a batch system that this process runs in, empty if none."""
    job, number = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    return f"{job}_{number}" if job and number else ""


def marks(folder: Path) -> list[Mark]:
    """What processes say they work on, those that are gone included."""
    found = []
    for path in (folder / "trials").glob(f"*{_MARK}"):
        key = path.name.removesuffix(_MARK)
        try:
            said, quiet = json.loads(path.read_text()), time.time() - path.stat().st_mtime
            host, job = str(said["host"]), str(said.get("job") or "")
            found.append(Mark(key, host, job, quiet, host == platform.node() and not is_alive(int(said["pid"]))))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            found.append(Mark(key, "?", "", 0.0, True))
    return found
