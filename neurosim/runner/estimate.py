"""How long a run will take and how large it will be, before it starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from neurosim.build import COUPLING
from neurosim.errors import BuildError
from neurosim.spec import Circuit, Resolved, phase_times

__all__ = ["SIZE_LIMIT", "Estimate", "check_size", "duration_text", "estimate", "limit_of", "size_text"]

#: Bytes that one run may write.
SIZE_LIMIT = 50e9
#: Cell-seconds simulated per second and core, about: measured with 1500-4000 cells, vectorised program and NumPy.
_SPEED = {"standalone": 40_000.0, "numpy": 1_200.0}
_COMPILE_SECONDS = 25.0
#: Coupling phases per drug given: in the experiments shipped there are 0 to 54 per arm, 7 or 8 after one or two acute doses.
_COUPLINGS = 6
#: A trial without spikes, one of many in a block.
_STILL_SECONDS, _STILL_BYTES = 1e-3, 3_000.0
#: Rate that a spike file is sized for, Hz, and bytes that gzip leaves of a number.
_RATE, _BYTES_PER_SPIKE, _BYTES_PER_SAMPLE, _BYTES_PER_FILE = 8.0, 3.0, 3.5, 250_000.0
_VOLTAGE_STEP = 1e-3
#: Measured with 1500-4000 cells, 10-120 s: memory of a process that has loaded everything, of a cell with its
#: synapses, and of a number that is recorded, there and in the program it started, bytes.
_PROCESS_BYTES, _BYTES_PER_CELL, _IN_MEMORY = 300e6, 10e3, 30.0
#: A trial that takes this many times its estimate, or this many seconds at least, hangs.
_PATIENCE, _LEAST_PATIENCE = 50.0, 1800.0


@dataclass(frozen=True)
class Estimate:
    """What one trial is expected to need: ``time`` in s on one core, ``size`` of its file and ``memory`` in bytes,
    ``simulated`` seconds."""

    time: float
    size: float
    simulated: float
    memory: float


def estimate(resolved: Resolved, engine: str) -> Estimate:
    """Estimate of one trial of an arm."""
    if engine == "none":
        return Estimate(_STILL_SECONDS, _STILL_BYTES, 0.0, _PROCESS_BYTES)
    phases = phase_times(resolved.protocol)
    circuit, protocol = resolved.circuit, resolved.protocol
    n_cells = sum(p.n for p in circuit.populations.values())
    simulated = sum(float(p.settle) + float(p.record) for p in phases)
    simulated += _COUPLINGS * sum(COUPLING) * len(resolved.arm.drugs)
    recorded = sum(float(p.record) for p in phases)
    samples = (_n_traces(circuit) / float(protocol.trace_step)) * recorded
    samples += sum(protocol.voltages.values()) * recorded / _VOLTAGE_STEP
    spikes = n_cells * _RATE * recorded if protocol.spikes else 0.0
    return Estimate(
        time=n_cells * simulated / _SPEED.get(engine, _SPEED["numpy"]),
        size=_BYTES_PER_FILE + _BYTES_PER_SAMPLE * samples + _BYTES_PER_SPIKE * spikes,
        simulated=simulated,
        memory=_PROCESS_BYTES + _BYTES_PER_CELL * n_cells + _IN_MEMORY * (samples + spikes),
    )


def _n_traces(circuit: Circuit) -> int:
    return len(circuit.populations) + len(circuit.sites) + sum(map(len, circuit.pools.values()))


def limit_of(estimated: Estimate) -> float:
    """Seconds after which a trial is given up as hanging."""
    return max(_LEAST_PATIENCE, _PATIENCE * estimated.time)


def run_time(times: list[float], workers: int, n_builds: int, engine: str) -> float:
    """Seconds that trials of these times need on so many workers, compiling included."""
    compiling = _COMPILE_SECONDS * n_builds if engine == "standalone" else 0.0
    return compiling + sum(times) / max(1, min(workers, len(times)))


def check_size(size: float, folder: Path) -> None:
    """Refuse a run that would write too much.

    Raises
    ------
    BuildError
        More than :data:`SIZE_LIMIT` or than the disk has free.
    """
    there = next(p for p in (folder.resolve(), *folder.resolve().parents) if p.exists())
    free = shutil.disk_usage(there).free
    if size > min(SIZE_LIMIT, free):
        allowed = (
            f"allowed: {size_text(SIZE_LIMIT)}"
            if free >= SIZE_LIMIT
            else f"free on the disk: {size_text(free)}"
        )
        raise BuildError(
            f"the pending trials would write about {size_text(size)}; {allowed}: store less with a longer "
            "protocol.trace_step, protocol.spikes: false, fewer protocol.voltages, or run fewer trials at a time"
        )


def size_text(size: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1e3
    return f"{size:.3g} GB"


def duration_text(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours = seconds / 3600
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
