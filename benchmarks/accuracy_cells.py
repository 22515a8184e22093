"""Cells that do not hear each other: here a difference between two ways to integrate stays small and can be followed.

The cells of a circuit are parted into *talkers*, which fire on a current of their own, and *listeners*, which get the
talkers' synapses and stay below threshold. No synapse leads back and no receptor acts, so nothing grows: what one spike is
late, the next is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np

from neurosim import models
from neurosim.build.plan import Plan
from neurosim.engines import RawPhase, get_engine

__all__ = [
    "CellErrors",
    "feed_forward",
    "identical_until",
    "in_double",
    "measured_order",
    "errors",
]

#: Currents of talkers and listeners, as a part of what brings a cell without exponential to its threshold.
TALK, LISTEN = 1.3, 0.0


@dataclass(frozen=True)
class CellErrors:
    """How far one run of :func:`feed_forward` is from another.

    All are medians of absolute differences: where noise just brings a cell to its threshold, one run has a spike that the
    other lacks, and a few such would outweigh all others.

    Attributes
    ----------
    dt : float, s
    spike_time : float, s
        Over all spikes of the talkers.
    interval : float, dimensionless
        Mean interval of a talker, relative; over the talkers.
    voltage : float, V
        Root mean square over time of a listener that never fires; over those.
    concentration : float, dimensionless
        Mean of a pool over the recording, relative; over pools.
    """

    dt: float
    spike_time: float
    interval: float
    voltage: float
    concentration: float


def feed_forward(plan: Plan, record: float) -> Plan:
    """The plan's cells as talkers (even numbers) and listeners (odd ones), recorded from the start for ``record`` s."""
    cells, talks = plan.cells, np.arange(plan.structure.n_cells) % 2 == 0
    needed = cells["g_L"] * (cells["V_T"] - cells["E_L"])
    heard = {
        name: replace(wires, weight=np.where(talks[wires.pre] & ~talks[wires.post], wires.weight, 0.0))
        for name, wires in plan.wiring.items()
    }
    deaf = {
        name: value if name in ("site", "cell_class") else np.zeros_like(value)
        for name, value in plan.site_links.items()
    }
    ends = np.cumsum(plan.labels.population_sizes)
    listeners = np.concatenate([[end - 3, end - 1] if end % 2 == 0 else [end - 4, end - 2] for end in ends])
    return replace(
        plan,
        cells=cells | {"drive": np.where(talks, TALK, LISTEN) * needed},
        wiring=heard,
        site_links=deaf,
        voltage_cells=listeners[: plan.structure.n_voltages].astype(np.int32),
        settle_steps=0,
        record_steps=round(record / plan.structure.dt),
    )


def errors(plan: Plan, run: RawPhase, plan_0: Plan, reference: RawPhase) -> CellErrors:
    """Differences of two runs of the same cells, maybe of different dt."""
    mine, theirs = (_talkers(p, raw) for p, raw in ((plan, run), (plan_0, reference)))
    late, longer = [], []
    for a, b in zip(mine, theirs, strict=True):
        n = min(a.size, b.size)
        late.append(a[:n] - b[:n])
        if n > 2:
            longer.append((a[n - 1] - a[0]) / (b[n - 1] - b[0]) - 1)
    c, c_0 = run.means["concentration"], reference.means["concentration"]
    return CellErrors(
        dt=plan.structure.dt,
        spike_time=_median(np.concatenate(late)),
        interval=_median(np.array(longer)),
        voltage=_voltage(plan, run, reference),
        concentration=_median(c / c_0 - 1),
    )


def _voltage(plan: Plan, run: RawPhase, reference: RawPhase) -> float:
    silent = ~np.isin(plan.voltage_cells, np.union1d(run.spike_i, reference.spike_i))
    apart = (run.traces["voltage"] - reference.traces["voltage"])[silent]
    return _median(np.sqrt(np.mean(apart**2, axis=1)))


def measured_order(found: Sequence[CellErrors], finest: float) -> dict[str, float]:
    """Order of each error in dt: the slope of its logarithm over that of ``dt - finest``, for the finest run is no limit."""
    steps = np.log([one.dt - finest for one in found])
    return {
        name: float(np.polyfit(steps, np.log([getattr(one, name) for one in found]), 1)[0])
        for name in ("spike_time", "interval", "voltage", "concentration")
    }


def identical_until(a: RawPhase, b: RawPhase, dt: float) -> float:
    """Time (s) from the start of the phase to the first spike that only one of two runs has; infinite if none."""
    own = {(step, cell) for step, cell in zip(a.spike_step.tolist(), a.spike_i.tolist(), strict=True)}
    other = {(step, cell) for step, cell in zip(b.spike_step.tolist(), b.spike_i.tolist(), strict=True)}
    return min((step for step, _ in own ^ other), default=np.inf) * dt


def in_double(plan: Plan) -> RawPhase:
    """The plan on NumPy with every variable in double precision."""
    with mock.patch.object(models, "cell_singles", lambda *_: ()):
        return get_engine("numpy").run(plan)


def _talkers(plan: Plan, raw: RawPhase) -> list[np.ndarray]:
    """Spike times (s) of each talker."""
    order = np.lexsort((raw.spike_step, raw.spike_i))
    counts = np.bincount(raw.spike_i, minlength=plan.structure.n_cells)
    return np.split(raw.spike_step[order] * plan.structure.dt, np.cumsum(counts)[:-1])[::2]


def _median(values: np.ndarray) -> float:
    return float(np.median(np.abs(values))) if values.size else float("nan")
