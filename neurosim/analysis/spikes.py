"""Spike statistics of a population, in NumPy on ragged arrays.

Every function takes the trains of one population's cells (:class:`~neurosim.recording.SpikeTrains`) and,
where it matters, the mask of those that survive. What is undefined is NaN.
"""

from __future__ import annotations

import numpy as np

from neurosim._memory import once_each
from neurosim.recording import PhaseResult, SpikeTrains, TrialResult

__all__ = [
    "ACTIVE_RATE",
    "BURST_END",
    "BURST_START",
    "FEWEST_SPIKES",
    "active_fraction",
    "burst_fraction",
    "cell_burst_fractions",
    "cell_cv2",
    "cell_cv_isi",
    "cell_rates",
    "cv2",
    "cv_isi",
    "firing_rate",
    "firing_rate_active",
    "n_cells",
    "phase_rates",
    "spikes_in_bursts",
    "trial_rates",
]

# Definitions of the readouts, not properties of a brain.
ACTIVE_RATE = 0.2  # Hz: extracellular recording counts the cells that fire (MODEL §1)
BURST_START = (
    0.080  # s: a burst begins with an interval no longer than this (Grace & Bunney 1984 J Neurosci 4:2877)
)
BURST_END = 0.160  # s: and ends before an interval longer than this (same)
FEWEST_SPIKES = 5  # a cell with fewer has no interval statistics


def cell_rates(spikes: SpikeTrains) -> np.ndarray:
    """Rate of each cell in Hz, shape (cell,)."""
    return spikes.row_size / spikes.duration


def n_cells(alive: np.ndarray) -> int:
    """Number of surviving cells."""
    return int(np.count_nonzero(alive))


def firing_rate(spikes: SpikeTrains, alive: np.ndarray) -> float:
    """Spikes per second and surviving cell, Hz; NaN without survivors.

    Parameters
    ----------
    spikes : SpikeTrains
    alive : bool array, shape (cell,)
    """
    survivors = n_cells(alive)
    return spikes.step.size / (survivors * spikes.duration) if survivors else np.nan


def firing_rate_active(spikes: SpikeTrains) -> float:
    """Mean rate of the cells that fire above 0.2 Hz, Hz; NaN if none does."""
    rates = cell_rates(spikes)
    active = rates > ACTIVE_RATE
    return float(rates[active].mean()) if active.any() else np.nan


def active_fraction(spikes: SpikeTrains) -> float:
    """Cells above 0.2 Hz as a part of the healthy number of cells: lesioned cells count as silent."""
    return np.count_nonzero(cell_rates(spikes) > ACTIVE_RATE) / spikes.n_cells


def _sums(values: np.ndarray, spikes: SpikeTrains) -> np.ndarray:
    """Sum over the spikes of each cell, shape (cell,)."""
    total = np.zeros(spikes.n_cells)
    spiking = np.flatnonzero(spikes.row_size)
    if spiking.size:
        total[spiking] = np.add.reduceat(values, spikes.offsets[spiking], dtype=float)
    return total


def _intervals(spikes: SpikeTrains) -> tuple[np.ndarray, np.ndarray]:
    """Interspike intervals in steps and the cell each belongs to."""
    cell = spikes.cell
    within = cell[1:] == cell[:-1]
    return np.diff(spikes.step.astype(np.int64))[within], cell[1:][within]


def cell_cv_isi(spikes: SpikeTrains) -> np.ndarray:
    """Coefficient of variation of each cell's interspike intervals, dimensionless, shape (cell,); NaN below 5 spikes.

    Notes
    -----
    Standard deviation (of the sample itself, no correction) over mean: 0 for a clock, 1 for a Poisson process.

    References
    ----------
    Softky WR, Koch C (1993) J Neurosci 13:334-350
    """
    cv = np.full(spikes.n_cells, np.nan)
    some = np.flatnonzero(spikes.row_size >= FEWEST_SPIKES)
    if not some.size:
        return cv
    start, end = spikes.offsets[some], spikes.offsets[some + 1] - 1
    count = end - start
    mean = (spikes.step[end] - spikes.step[start]) / count
    around = np.zeros(spikes.n_cells)
    around[some] = mean
    # around the mean, not from the mean of squares: regular trains would lose their digits
    square = np.square(np.diff(spikes.step, append=0) - np.repeat(around, spikes.row_size))
    # what leads from a cell to the next is no interval of either
    square[end] = 0.0
    cv[some] = np.sqrt(_sums(square, spikes)[some] / count) / mean
    return cv


def cv_isi(spikes: SpikeTrains) -> float:
    """Mean over cells of the coefficient of variation of intervals; NaN if no cell has 5 spikes."""
    return _mean_of_defined(cell_cv_isi(spikes))


def cell_cv2(spikes: SpikeTrains) -> np.ndarray:
    """CV2 of each cell, dimensionless in [0, 2], shape (cell,); NaN below 5 spikes.

    Notes
    -----
    Mean over neighbouring intervals I of 2 |I_{i+1} - I_i| / (I_{i+1} + I_i): irregularity from one interval to the next,
    1 for a Poisson process. Unlike the coefficient of variation it does not count a slow change of rate.

    References
    ----------
    Holt GR, Softky WR, Koch C, Douglas RJ (1996) J Neurophysiol 75:1806-1814
    """
    interval, cell = _intervals(spikes)
    within = cell[1:] == cell[:-1]
    apart = 2.0 * np.abs(np.diff(interval))[within] / (interval[1:] + interval[:-1])[within]
    own = cell[1:][within]
    total = np.bincount(own, weights=apart, minlength=spikes.n_cells)
    count = np.bincount(own, minlength=spikes.n_cells)
    enough = spikes.row_size >= FEWEST_SPIKES
    return np.divide(total, count, out=np.full(spikes.n_cells, np.nan), where=enough)


def cv2(spikes: SpikeTrains) -> float:
    """Mean over cells of :func:`cell_cv2`, dimensionless; NaN if no cell has 5 spikes."""
    return _mean_of_defined(cell_cv2(spikes))


def spikes_in_bursts(spikes: SpikeTrains) -> np.ndarray:
    """Which spikes belong to a burst by the 80/160 ms rule, bool array of shape (spike,).

    Notes
    -----
    A burst begins with an interval of at most 80 ms and lasts until an interval longer than 160 ms, so it
    has at least two spikes, and intervals between 80 and 160 ms belong to it only once it has begun.

    References
    ----------
    Grace AA, Bunney BS (1984) J Neurosci 4:2877-2890
    """
    if spikes.step.size == 0:
        return np.zeros(0, bool)
    start, end = round(BURST_START / spikes.dt), round(BURST_END / spikes.dt)
    # The interval that leads to a spike begins a burst, ends one, or leaves things as they were. The first spike of a cell
    # has no such interval and ends whatever the cell before it did.
    interval = np.diff(spikes.step, prepend=0)
    begins, ends = interval <= start, interval > end
    first = spikes.offsets[:-1][spikes.row_size > 0]
    begins[first], ends[first] = False, True
    number = np.arange(interval.size, dtype=np.int32 if interval.size < 2**31 else np.int64)
    in_burst_interval = begins[np.maximum.accumulate(np.where(begins | ends, number, 0))]
    in_burst = in_burst_interval.copy()
    in_burst[:-1] |= in_burst_interval[1:]
    return in_burst


def cell_burst_fractions(spikes: SpikeTrains) -> np.ndarray:
    """Part of each cell's spikes that lie in bursts, shape (cell,); NaN below 5 spikes."""
    in_burst = _sums(spikes_in_bursts(spikes), spikes)
    enough = spikes.row_size >= FEWEST_SPIKES
    return np.divide(in_burst, spikes.row_size, out=np.full(spikes.n_cells, np.nan), where=enough)


def burst_fraction(spikes: SpikeTrains, pooled: bool = False) -> float:
    """Part of the spikes that lie in bursts (80/160 ms rule).

    Parameters
    ----------
    spikes : SpikeTrains
    pooled : bool
        False: mean over the cells with at least 5 spikes, each cell counting once, as papers on single
        cells average. True: spikes in bursts of all cells over spikes of all cells, so that fast cells
        weigh more.

    Returns
    -------
    float in [0, 1]
        NaN where no cell has enough spikes.
    """
    if pooled:
        return float(spikes_in_bursts(spikes).mean()) if spikes.step.size else np.nan
    return _mean_of_defined(cell_burst_fractions(spikes))


def _mean_of_defined(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else np.nan


def phase_rates(phase: PhaseResult) -> dict[str, np.ndarray]:
    """All variables of the group ``rates`` for one phase, each of shape (population,)."""
    alive, rates = _rates(phase.spikes, phase)
    # trials that begin alike share their spikes; whoever gave them other survivors gets what is theirs
    return dict(rates if np.array_equal(alive, phase.alive) else _rates.__wrapped__(phase.spikes, phase)[1])


@once_each
def _rates(spikes: SpikeTrains, phase: PhaseResult) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The survivors, and what :func:`phase_rates` says of them."""
    populations = [phase.population(name) for name in phase.labels.populations]
    columns = {
        "firing_rate": [firing_rate(spikes, alive) for spikes, alive in populations],
        "firing_rate_active": [firing_rate_active(spikes) for spikes, _ in populations],
        "active_fraction": [active_fraction(spikes) for spikes, _ in populations],
        "cv_isi": [cv_isi(spikes) for spikes, _ in populations],
        "burst_fraction": [burst_fraction(spikes) for spikes, _ in populations],
        "n_cells": [n_cells(alive) for _, alive in populations],
    }
    return phase.alive, {name: np.array(column, float) for name, column in columns.items()}


def trial_rates(trial: TrialResult) -> dict[str, np.ndarray]:
    """All variables of the group ``rates``, each of shape (phase, population)."""
    phases = [phase_rates(phase) for phase in trial.phases]
    return {name: np.stack([phase[name] for phase in phases]) for name in phases[0]} if phases else {}
