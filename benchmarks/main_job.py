"""Where the time of the README's main job goes: ``python benchmarks/main_job.py [RUNS]``, medians of five.

The command is run as a user runs it, and watched from outside: when the first trial is marked, when files appear, when the
process ends. Every trial says how long its loops took (``loop_time``) and how long it took but for its file (``wall_time``).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

EXPERIMENT = Path(__file__).resolve().parents[1] / "experiments" / "acute_escitalopram.yaml"
COMMAND = [sys.executable, "-m", "neurosim", "run", str(EXPERIMENT), "--output"]
#: How often it is looked for the first trial, s.
_LOOK = 0.003


def parts(first: float, last: float, end: float, trials: list[tuple[float, float]], workers: int) -> dict[str, float]:
    """Parts of a run's wall clock, s, per worker where workers share them; they add up to ``all``.

    Parameters
    ----------
    first, last, end : float, s
        From the command to the first trial's mark, to the last trial's file, to the end of the process.
    trials : list of (loop_time, wall_time), s
    workers : int
    """
    loops, walls = (sum(times) / workers for times in zip(*trials, strict=True))
    return {
        "from the command to the first trial": first,
        "simulation loops, per worker": loops,
        "in trials beside their loops, per worker": walls - loops,
        "writing their files, per worker, and waiting for the other one": last - first - walls,
        "from the last trial to the end": end - last,
        "all": end,
        "all but the loops": end - loops,
    }


def watched(folder: Path, workers: int) -> dict[str, float]:
    """One run into an empty folder."""
    since, first = time.time(), None
    process = subprocess.Popen([*COMMAND, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if first is None and any(folder.glob("trials/*.running")):
            first = time.time() - since
        time.sleep(_LOOK)
    end = time.time() - since
    if process.returncode or first is None:
        raise SystemExit(f"{' '.join(COMMAND)} {folder} ended with status {process.returncode}")
    files = sorted(folder.glob("trials/*.h5"))
    last = max(path.stat().st_mtime for path in files) - since
    return parts(first, last, end, [_times(path) for path in files], min(workers, len(files)))


def _times(path: Path) -> tuple[float, float]:
    with h5py.File(path) as file:
        return file.attrs["loop_time"].item(), file.attrs["wall_time"].item()


def main(runs: int = 5) -> None:
    workers, found = len(os.sched_getaffinity(0)), []
    with tempfile.TemporaryDirectory() as name:
        # compiles, if need be, and reads all that is read from the disk
        for k in range(runs + 1):
            found.append(watched(Path(name) / str(k), workers))
    print(f"{EXPERIMENT.stem}, {workers} workers, {runs} runs; s of wall clock\n")
    for part in found[0]:
        times = [run[part] for run in found[1:]]
        print(f"{part:64s} {statistics.median(times):6.2f}   {min(times):.2f} to {max(times):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
