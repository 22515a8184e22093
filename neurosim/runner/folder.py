"""The folder of an experiment: can it be written to, what is in it, who works on it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from neurosim.errors import ResultSchemaError
from neurosim.recording import block_headers, block_paths, read_header, sweep, trial_path
from neurosim.recording.trials import TrialRecord

__all__ = [
    "FIGURE",
    "PLAN",
    "clear",
    "finished",
    "has_plan",
    "mark_running",
    "open_folder",
    "read_plan",
    "running",
    "write_plan",
]

PLAN = "plan.json"
PLAN_SCHEMA = "neurosim-plan/1"
FIGURE = "overview.png"
_MARK = ".running"


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
    sweep(trials)
    sweep(folder)
    for mark in trials.glob(f"*{_MARK}"):
        if not _is_alive(mark):
            mark.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what runs have written, and nothing else."""
    for path in [folder / "summary.h5", folder / FIGURE, folder / PLAN, *(folder / "trials").glob("*.h5")]:
        path.unlink(missing_ok=True)


def finished(folder: Path, keys: Iterable[str]) -> tuple[dict[str, TrialRecord], list[Path]]:
    """Headers of the trials that are in a whole file, and the files that are there and cannot be read."""
    headers, damaged = {}, []
    keys = list(keys)
    for path in block_paths(folder):
        try:
            found = block_headers(path)
        except ResultSchemaError:
            damaged.append(path)
        else:
            headers |= {key: found[key] for key in keys if key in found}
    for key in keys:
        path = trial_path(folder, key)
        if path.exists():
            try:
                headers[key] = read_header(path)
            except ResultSchemaError:
                damaged.append(path)
    return headers, damaged


def write_plan(folder: Path, plan: dict) -> None:
    """Write down what the run asks for, whole or not at all; ``status`` reads it."""
    path = folder / PLAN
    temporary = folder / f".{PLAN}.{os.getpid()}.tmp"
    try:
        temporary.write_text(json.dumps({"schema": PLAN_SCHEMA, **plan}, indent=1), encoding="utf-8")
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
    if isinstance(plan, dict) and plan.get("schema") == PLAN_SCHEMA and not _has_trials(plan):
        raise ResultSchemaError(f"{path} is damaged: run the experiment again, finished trials are kept")
    if not isinstance(plan, dict) or plan.get("schema") != PLAN_SCHEMA:
        raise ResultSchemaError(f"{path} is not of schema {PLAN_SCHEMA!r}: run the experiment again")
    return plan


def _has_trials(plan: dict) -> bool:
    """Whether a plan names an experiment and its trials, as readers need it."""
    kinds = {"key": str, "arm": str, "subject": int, "point": list}
    trials = plan.get("trials")
    return (
        isinstance(plan.get("experiment"), str)
        and isinstance(trials, list)
        and all(
            isinstance(trial, dict) and all(isinstance(trial.get(name), kind) for name, kind in kinds.items())
            for trial in trials
        )
    )


@contextlib.contextmanager
def mark_running(folder: Path, key: str) -> Iterator[None]:
    """Say that this process works on a trial, for ``status``."""
    mark = folder / "trials" / f"{key}{_MARK}"
    with contextlib.suppress(OSError):
        mark.write_text(json.dumps({"pid": os.getpid(), "host": platform.node(), "since": time.time()}))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)


def running(folder: Path) -> set[str]:
    """Keys of the trials that a living process works on."""
    return {
        mark.name.removesuffix(_MARK) for mark in (folder / "trials").glob(f"*{_MARK}") if _is_alive(mark)
    }


def _is_alive(mark: Path) -> bool:
    """A process of another machine is taken to be alive."""
    try:
        said = json.loads(mark.read_text())
        if said["host"] != platform.node():
            return True
        os.kill(int(said["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
    return True
