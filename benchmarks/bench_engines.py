"""The engines that are compared: each is made for one plan, runs it as often as asked and says how long its loop took.

The loop is what every engine counts itself: stepping through the model, without starting, building, loading and writing.
Memory is the most that the simulating process ever held, as the system says while it runs (a process that Python starts
inherits Python's own peak in what ``getrusage`` says, so that is not asked); None where the system does not say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import floor
import numpy as np

from neurosim.build.plan import Plan
from neurosim.engines import get_engine
from neurosim.errors import EngineError

__all__ = ["NO_NEST", "Brian2", "Floor", "Nest", "Neurosim", "Timed", "find_nest"]

HERE = Path(__file__).resolve().parent
#: Seconds between looks at the memory of a running process.
LOOK = 0.02
NO_NEST = (
    "NEST is skipped: it is not installed here. To compare with it: python -m venv ENV && ENV/bin/pip install "
    "nest-simulator==3.10.0, then NEUROSIM_NEST_PYTHON=ENV/bin/python make bench"
)


@dataclass(frozen=True)
class Timed:
    """One run: seconds in the loop, peak memory (MB) of the process, spikes per cell and second."""

    loop_time: float
    memory_mb: float | None
    rate_Hz: float


class Contender(ABC):
    """One engine with one plan."""

    name: str

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    @property
    def seconds(self) -> float:
        """Model time of a run, in s."""
        return self.plan.settle + self.plan.record

    @abstractmethod
    def run(self) -> Timed:
        """Run the plan once more."""


class Neurosim(Contender):
    """This program."""

    name = "neurosim"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.engine = get_engine("standalone")
        self.engine.prepare(plan.structure)

    def run(self) -> Timed:
        with watched_children() as peak:
            raw = self.engine.run(self.plan)
        return Timed(raw.loop_time, max(peak, default=None), rate(self.plan, raw.spike_i.size))


class Floor(Contender):
    """The hand-written loop of :mod:`floor`, in double precision."""

    name, real = "floor", "double"

    def __init__(self, plan: Plan, folder: Path) -> None:
        super().__init__(plan)
        self.program = floor.build(plan.structure, folder, self.real, floor.shared_values(plan))

    def run(self) -> Timed:
        done = floor.run(self.program, self.plan)
        return Timed(done.loop_time, done.peak_memory, rate(self.plan, done.spike_i.size))


class FloorSingle(Floor):
    """The same loop with cells in single precision, as neurosim has them."""

    name, real = "floor_single", "float"


class Brian2(Contender):
    """The same equations by :mod:`brian2_default`, built for this plan and its length."""

    name = "brian2"

    def __init__(self, model: str, plan: Plan, folder: Path) -> None:
        super().__init__(plan)
        self.folder = folder
        numbers = (model, plan.structure.n_cells, plan.settle, plan.record)
        command = [sys.executable, HERE / "brian2_default.py", *map(str, numbers), folder]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            raise EngineError(f"Brian2's program for {model} was not built: {built.stderr.splitlines()[-1]}")

    def run(self) -> Timed:
        with watched_children() as peak:
            subprocess.run([self.folder / "main"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        results = self.folder / "results"
        loop_time = float((results / "last_run_info.txt").read_text().split()[0])
        (times,) = results.glob("_dynamic_array_spikes_t_*")
        # half a step, because the times of spikes are sums of steps
        since = self.plan.settle - self.plan.structure.dt / 2
        n_spikes = int((np.fromfile(times) >= since).sum())
        return Timed(loop_time, max(peak, default=None), rate(self.plan, n_spikes))


class Nest(Contender):
    """The core network in NEST, built once; it goes on from run to run, for building takes longer than simulating."""

    name = "nest"

    def __init__(self, python: str, plan: Plan, folder: Path) -> None:
        super().__init__(plan)
        folder.mkdir()
        np.savez(folder / "plan.npz", **nest_values(plan))
        self.process = subprocess.Popen(
            [python, HERE / "nest_core.py", folder / "plan.npz"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.version = self._answer()["version"]

    def _answer(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise EngineError(f"NEST stopped with status {self.process.wait()}: {self.process.stderr.read()[-500:]}")

    def run(self) -> Timed:
        self.process.stdin.write(f"{1e3 * self.seconds:.3f}\n")
        self.process.stdin.flush()
        said = self._answer()
        spikes_per_s = said["n_spikes"] / self.plan.structure.n_cells / self.seconds
        return Timed(said["loop_time"], peak_memory(self.process.pid), spikes_per_s)

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()


def find_nest() -> str | None:
    """A Python that has NEST: the one that NEUROSIM_NEST_PYTHON names, else this one; None if it has not."""
    python = os.environ.get("NEUROSIM_NEST_PYTHON") or sys.executable
    try:
        tried = subprocess.run([python, "-c", "import nest"], capture_output=True, check=False)
    except OSError:
        return None
    return python if tried.returncode == 0 else None


def nest_values(plan: Plan) -> dict[str, np.ndarray | float]:
    """The core network in NEST's names and units (pF, nS, mV, pA, ms)."""
    cells, kinds = plan.cells, plan.kinds
    milli = {"E_L": "E_L", "V_T": "V_th", "Delta_T": "Delta_T", "V_r": "V_reset", "V_peak": "V_peak"}
    milli |= {"t_ref": "t_ref", "tau_w": "tau_w", "E_GABA": "E_in", "tau_GABA": "tau_syn_in"}
    found = {theirs: 1e3 * cells[ours][0] for ours, theirs in milli.items()}
    found |= {name: 1e9 * cells[name][0] for name in ("g_L", "a")}
    found |= {
        theirs: 1e12 * cells[ours][0]
        for ours, theirs in {"b": "b", "drive": "I_e", "ou_kick": "noise_std"}.items()
    }
    found |= {"C_m": 1e12 / cells["inv_C_m"][0], "V_m": 1e3 * cells["v_0"], "dt": plan.structure.dt}
    found |= {
        "n": plan.structure.n_cells,
        "E_ex": 1e3 * kinds["E_AMPA"],
        "tau_syn_ex": 1e3 * kinds["tau_decay_AMPA"],
    }
    for end, name, sign in (("ex", "syn_AMPA", 1), ("in", "syn_GABA_A", -1)):
        wiring = plan.wiring[name]
        found |= {f"pre_{end}": wiring.pre, f"post_{end}": wiring.post}
        found |= {f"weight_{end}": sign * 1e9 * wiring.weight, f"delay_{end}": 1e3 * wiring.delay}
    return found


def rate(plan: Plan, n_spikes: int) -> float:
    """Spikes per cell and second of the recording."""
    return n_spikes / plan.structure.n_cells / plan.record


def peak_memory(pid: int) -> float | None:
    """Peak resident memory of a process in MB; None if it is gone or the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), None)


@contextmanager
def watched_children() -> Iterator[list[float]]:
    """Peaks (MB) of the programs that are started inside, filled in until the end."""
    peaks: dict[str, float] = {}
    over, found = threading.Event(), []

    def watch() -> None:
        while not over.wait(LOOK):
            for pid in programs_below():
                peaks[pid] = peak_memory(pid) or peaks.get(pid, 0.0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        found += [peak for peak in peaks.values() if peak]


def programs_below() -> list[str]:
    """Processes that this one started and that run another program than Python (one that still is a copy of it, or NEST)."""
    found = []
    for children in Path("/proc/self/task").glob("*/children"):
        try:
            found += children.read_text().split()
        except OSError:
            continue
    return [pid for pid in found if not runs_python(pid)]


def runs_python(pid: str) -> bool:
    try:
        return "python" in Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return True
