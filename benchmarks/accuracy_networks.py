"""Networks by two ways of integration: what is different beyond chance.

A circuit amplifies the smallest difference until spike trains have nothing in common, so only statistics can be compared.
They are taken over the same subjects, wired and driven by the same numbers, and every difference comes with the interval
that chance leaves.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import floor
import numpy as np
import xarray as xr
from networks import model_plan

from neurosim.analysis.compare import paired_statistics
from neurosim.analysis.rhythms import BETA, TOTAL, population_spectrum
from neurosim.analysis.spikes import burst_fraction, cv_isi, firing_rate
from neurosim.build import Trial
from neurosim.build.plan import Plan
from neurosim.engines import get_engine
from neurosim.recording import SpikeTrains
from neurosim.spec import Experiment, load_circuit, resolve

__all__ = [
    *("ARMS", "Difference", "Networks", "brian2_blocks", "circuit_plan"),
    *("differences", "speeds", "statistics", "trains"),
]

ARMS = {
    "vehicle": {},
    "escitalopram": {"drugs": [{"drug": "escitalopram", "dose": "10 mg/kg", "route": "ip"}]},
}
#: Statistic → whether its differences are relative; the others are parts of a whole and differ by percentage points.
RELATIVE = {
    "firing rate": True,
    "CV of intervals": True,
    "burst fraction": False,
    "power, 1-100 Hz": True,
    "share of 15-30 Hz": False,
    "concentration": True,
    "effect on the rate": False,
}
#: Hz: a population that fires less says nothing relative within a recording of seconds.
QUIET = 0.5
_SEED = 2026


@dataclass(frozen=True)
class Difference:
    """One statistic by one way of integration against another; %, or percentage points (``unit``).

    Attributes
    ----------
    statistic, unit : str
    shift, low, high : float
        Mean over populations (or pools) and conditions, and its 95 % interval over subjects.
    single : float
        Root mean square of the difference of one population in one condition.
    chance : float
        What that would be without any true difference: root mean square of its standard error.
    outside : int
        Populations whose own 95 % interval leaves out 0.
    n : int
        Populations times conditions.
    """

    statistic: str
    unit: str
    shift: float
    low: float
    high: float
    single: float
    chance: float
    outside: int
    n: int


def _trial(
    circuit: str, arm: str, subject: int, dt: float, settle: float, record: float, voltages: int
) -> Trial:
    protocol = {
        "settle": f"{settle:g} s",
        "dt": f"{dt * 1e3:g} ms",
        "phases": [{"name": "drug", "at": "45 min", "record": f"{record:g} s"}],
        "voltages": dict.fromkeys(load_circuit(circuit).populations, voltages),
    }
    experiment = Experiment(name="accuracy", circuit=circuit, seed=_SEED, protocol=protocol, arms=ARMS)
    return Trial(resolve(experiment, arm, {}), subject)


def circuit_plan(
    circuit: str, arm: str, subject: int, dt: float, settle: float, record: float, voltages: int = 2
) -> Plan:
    """A shipped circuit 45 minutes after a dose, or after none; times in s.

    The slow state is that of a circuit that fired as at rest until then, so that it is the same at every step.
    """
    steps = _trial(circuit, arm, subject, dt, settle, record, voltages).phases()
    return next(step for step in steps if not step.coupling).plan


def trains(plan: Plan, spike_i: np.ndarray, spike_step: np.ndarray) -> SpikeTrains:
    """Spikes of the recording, cell after cell, from steps since the start of the phase."""
    step = spike_step - plan.settle_steps
    order = np.lexsort((step, spike_i))
    row_size = np.bincount(spike_i, minlength=plan.structure.n_cells).astype(np.int32)
    return SpikeTrains(step[order].astype(np.int32), row_size, plan.structure.dt, plan.record)


def statistics(plan: Plan, spikes: SpikeTrains, concentration: np.ndarray) -> dict[str, np.ndarray]:
    """Every statistic of one recording, arrays of shape (population,) or (pool,)."""
    ends = np.cumsum(plan.labels.population_sizes)
    alive = plan.cells["inv_C_m"] > 0
    found: dict[str, list[float]] = {
        name: [] for name in RELATIVE if name not in ("concentration", "effect on the rate")
    }
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        own = spikes.of(first, last)
        spectrum = population_spectrum(own)
        values = (firing_rate(own, alive[first:last]), cv_isi(own), 100 * burst_fraction(own))
        values += (spectrum.power(*TOTAL), 100 * spectrum.relative_power(*BETA))
        for name, value in zip(found, values, strict=True):
            found[name].append(value)
    return {name: np.array(values) for name, values in found.items()} | {"concentration": concentration}


def differences(
    mine: Sequence[Sequence[Mapping[str, np.ndarray]]],
    reference: Sequence[Sequence[Mapping[str, np.ndarray]]],
) -> list[Difference]:
    """Statistics of two ways of integration, ``[subject][condition]``, paired over subjects.

    Parameters
    ----------
    mine, reference : sequences of sequences of dict
        What :func:`statistics` gives. With two conditions the change of the rate between them is compared, too.

    Notes
    -----
    Relative differences are of the mean of the reference over subjects. Populations below 0.5 Hz there, and what is
    undefined in a subject, are left out.
    """
    rate = np.mean([[found["firing rate"] for found in subject] for subject in reference], axis=0)
    tables = [{name: _stack(way, name) for name in RELATIVE} for way in (mine, reference)]
    rows = []
    for name, relative in RELATIVE.items():
        a, b = (table[name] for table in tables)
        if a.size == 0:
            continue
        scale = 100 / b.mean(axis=0) if relative else np.ones(b.shape[1:])
        quiet = np.zeros(scale.shape, bool)
        if name == "effect on the rate":
            quiet = rate[:1] < QUIET
        elif name != "concentration":
            quiet = rate < QUIET
        known = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0) & ~quiet & np.isfinite(scale)
        rows.append(
            _difference(
                name, "%" if relative else "points", a[:, known] * scale[known], b[:, known] * scale[known]
            )
        )
    return rows


def _stack(way: Sequence[Sequence[Mapping[str, np.ndarray]]], name: str) -> np.ndarray:
    """Shape (subject, condition, population); the effect of a second condition is one condition."""
    if name != "effect on the rate":
        return np.array([[found[name] for found in subject] for subject in way])
    if len(way[0]) < 2:
        return np.zeros((len(way), 0, 0))
    rates = _stack(way, "firing rate")
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100 * (rates[:, 1:2] / rates[:, :1] - 1)


def _difference(name: str, unit: str, a: np.ndarray, b: np.ndarray) -> Difference:
    def arrays(*values: np.ndarray) -> Iterable[xr.DataArray]:
        return (xr.DataArray(value, dims=("subject", "entry")[: value.ndim]) for value in values)

    single = paired_statistics(*arrays(a, b), has_ratio=False)
    shift = paired_statistics(*arrays(a.mean(axis=1), b.mean(axis=1)), has_ratio=False)
    error = np.std(a - b, axis=0, ddof=1) / np.sqrt(len(a))
    outside = (single.sel(statistic="low") > 0) | (single.sel(statistic="high") < 0)
    return Difference(
        statistic=name,
        unit=unit,
        shift=float(shift.sel(statistic="difference")),
        low=float(shift.sel(statistic="low")),
        high=float(shift.sel(statistic="high")),
        single=float(np.sqrt(np.mean(single.sel(statistic="difference").values ** 2))),
        chance=float(np.sqrt(np.mean(error**2))),
        outside=int(outside.sum()),
        n=a.shape[1],
    )


@dataclass(frozen=True)
class Networks:
    """A shipped circuit, how many subjects of it, and for how long each is recorded (s)."""

    circuit: str
    subjects: int
    settle: float
    record: float

    def plan(self, dt: float, subject: int = 0, arm: str = "vehicle") -> Plan:
        return circuit_plan(self.circuit, arm, subject, dt, self.settle, self.record)

    def compiled(self, dt: float, workers: int) -> list[list[dict[str, np.ndarray]]]:
        """Statistics by neurosim at a step, ``[subject][arm]``."""
        engine = get_engine("standalone")
        engine.prepare(self.plan(dt).structure)

        def run(plan: Plan) -> dict[str, np.ndarray]:
            raw = engine.run(plan)
            return statistics(plan, trains(plan, raw.spike_i, raw.spike_step), raw.means["concentration"])

        return self._all(run, dt, workers)

    def by_hand(self, program: Path, dt: float, workers: int) -> list[list[dict[str, np.ndarray]]]:
        """The same by the floor (:mod:`floor`)."""

        def run(plan: Plan) -> dict[str, np.ndarray]:
            raw = floor.run(program, plan)
            return statistics(plan, trains(plan, raw.spike_i, raw.spike_step), raw.concentration)

        return self._all(run, dt, workers)

    def _all(self, run: Callable[[Plan], dict[str, np.ndarray]], dt: float, workers: int) -> list[list[dict]]:
        places = [(subject, arm) for subject in range(self.subjects) for arm in ARMS]
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(lambda place: run(self.plan(dt, *place)), places))
        return [found[k : k + len(ARMS)] for k in range(0, len(found), len(ARMS))]


def speeds(runs: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Time of each over that of the first, run in turn; medians."""
    times = [{name: run() for name, run in runs.items()} for _ in range(repeats)]
    first = next(iter(runs))
    return {name: median(turn[name] / turn[first] for turn in times) for name in runs}


def brian2_blocks(
    model: str, n: int, settle: float, record: float, block: float, folder: Path
) -> tuple[list[list[dict]], list[list[dict]], float]:
    """A benchmark network by neurosim and by Brian2 as it comes, cut into blocks of ``block`` s that stand for subjects.

    Returns
    -------
    neurosim, Brian2 : statistics, ``[block][0]``
    slower : float
        Time of Brian2's program over that of neurosim's, each with start and results.
    """
    plan = model_plan(model, n, settle, record)
    words = [model, str(n), f"{settle:g}", f"{record:g}", folder]
    command = [sys.executable, Path(__file__).with_name("brian2_default.py"), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    get_engine("standalone").prepare(plan.structure)
    raw = get_engine("standalone").run(plan)
    started = time.perf_counter()
    subprocess.run([folder / "main"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    slower = (time.perf_counter() - started) / raw.wall_time

    def result(name: str, dtype: str) -> np.ndarray:
        (path,) = folder.glob(f"results/_dynamic_array_{name}_*")
        return np.fromfile(path, dtype)

    i, step = result("spikes_i", "i4"), np.rint(result("spikes_t", "f8") / plan.structure.dt).astype(np.int64)
    kept = step >= plan.settle_steps
    every = round(plan.structure.dt_trace / 1e-3)
    c = result("concentrations_c", "f8").reshape(-1, plan.structure.n_pools)[round(settle / 1e-3) :: every].T
    ours = _blocks(plan, trains(plan, raw.spike_i, raw.spike_step), raw.traces["concentration"], block)
    return ours, _blocks(plan, trains(plan, i[kept], step[kept]), c, block), slower


def _blocks(plan: Plan, spikes: SpikeTrains, concentration: np.ndarray, block: float) -> list[list[dict]]:
    n, steps = round(plan.record / block), round(block / spikes.dt)
    samples, cell = round(block / plan.structure.dt_trace), spikes.cell
    found = []
    for k in range(n):
        own = spikes.step // steps == k
        size = np.bincount(cell[own], minlength=spikes.n_cells).astype(np.int32)
        part = SpikeTrains(spikes.step[own] - k * steps, size, spikes.dt, block)
        found.append([statistics(plan, part, concentration[:, k * samples : (k + 1) * samples].mean(axis=1))])
    return found
