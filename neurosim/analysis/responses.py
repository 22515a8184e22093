"""What single cells do after a stimulus or a drug: who is inhibited, who is excited, when and for how long.

The instruments of an electrode. A cell counts as inhibited or excited where its rate changes by more than 20 % with
p < 0.05, as studies of single cells count them; how often chance alone does that is measured on an untreated arm
(stimuli that were not given). Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.analysis.spikes import ACTIVE_RATE, cell_rates
from neurosim.errors import ResultSchemaError
from neurosim.recording import SpikeTrains

__all__ = [
    "FEWEST_SWEEPS",
    "LEAST_CHANGE",
    "LEAST_TIME",
    "Course",
    "Responses",
    "course",
    "drug_responses",
    "psth",
    "pulse_responses",
    "sweep_counts",
]

# Definitions of the readouts, not properties of a brain.
LEAST_CHANGE = 0.2  # part of the rate before
SIGNIFICANT = 0.05  # per cell
FEWEST_SWEEPS = 60  # or
LEAST_TIME = 60.0  # s on either side of a drug
_CLEAR = 3.0  # standard errors
_BIN = 1.0  # s: what counts as one observation of a drug's effect


@dataclass(frozen=True, eq=False)
class Responses:
    """Each cell's answer.

    Attributes
    ----------
    before, after : float arrays, shape (cell,), Hz
    p : float array, shape (cell,)
        Two-sided; 1 where nothing differs in any sweep.
    is_active : bool array, shape (cell,)
        Whether an electrode would have found the cell: above 0.2 Hz in the recording (of a drug: before it).
    """

    before: np.ndarray
    after: np.ndarray
    p: np.ndarray
    is_active: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """(after - before) / before; infinite for a cell that was silent before, NaN for one that stays so."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.after / self.before - 1.0

    def _beyond(self, sign: int) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return self.is_active & (sign * self.change > LEAST_CHANGE) & (self.p < SIGNIFICANT)

    @property
    def is_inhibited(self) -> np.ndarray:
        return self._beyond(-1)

    @property
    def is_excited(self) -> np.ndarray:
        return self._beyond(+1)

    def share(self, which: np.ndarray) -> float:
        """Part of the active cells for which ``which`` holds; NaN if no cell is active."""
        n = np.count_nonzero(self.is_active)
        return np.count_nonzero(which & self.is_active) / n if n else np.nan


@dataclass(frozen=True)
class Course:
    """When a population's answer begins and how long it lasts, both at half its depth (s); NaN if it has none.

    An answer that is still there at an end of the time searched is cut off there.
    """

    latency: float
    duration: float


def sweep_counts(spikes: SpikeTrains, onsets: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Spikes of each cell in [onset + start, onset + stop) of each sweep.

    Parameters
    ----------
    spikes : SpikeTrains
    onsets : float array, shape (sweep,), s
        Rising.
    start, stop : float, s

    Returns
    -------
    int array, shape (cell, sweep)

    Raises
    ------
    ResultSchemaError
        Windows that overlap or reach beyond the recording, in which spikes would be counted twice or missed.
    """
    onsets = np.asarray(onsets, float)
    if not onsets.size or stop <= start:
        raise ResultSchemaError(f"no window of {start:g} to {stop:g} s around {onsets.size} stimuli")
    _refuse_overlap(onsets, start, stop, spikes.dt)
    if onsets[0] + start < -spikes.dt / 2 or onsets[-1] + stop > spikes.duration + spikes.dt / 2:
        raise ResultSchemaError(
            f"the window of {start:g} to {stop:g} s around a stimulus reaches beyond the recording of {spikes.duration:g} s"
        )
    # whole steps: a spike on an edge belongs to the window that begins there
    first = np.rint((onsets + start) / spikes.dt).astype(np.int64)
    length = round((stop - start) / spikes.dt)
    sweep = np.searchsorted(first, spikes.step, side="right") - 1
    inside = (sweep >= 0) & (spikes.step - first[np.maximum(sweep, 0)] < length)
    flat = spikes.cell[inside].astype(np.int64) * onsets.size + sweep[inside]
    return np.bincount(flat, minlength=spikes.n_cells * onsets.size).reshape(spikes.n_cells, onsets.size)


def _refuse_overlap(onsets: np.ndarray, start: float, stop: float, dt: float) -> None:
    """Sweeps must rise in time and leave room for a window from start to stop."""
    apart = np.diff(onsets).min(initial=np.inf)
    if apart <= 0:
        raise ResultSchemaError("the stimuli do not rise in time")
    if apart < stop - start - dt / 2:
        raise ResultSchemaError(
            f"the windows of {1e3 * (stop - start):g} ms overlap: stimuli come every {1e3 * apart:g} ms"
        )


def pulse_responses(
    spikes: SpikeTrains, onsets: np.ndarray, window: tuple[float, float], before: float = 0.3
) -> Responses:
    """Each cell in a window after the stimuli against the time before them, paired over sweeps.

    Parameters
    ----------
    spikes : SpikeTrains
    onsets : float array, shape (sweep,), s
        At least 60.
    window : (start, stop), s after each stimulus
    before : float, s
        The control lasts from ``before`` to 0 before each stimulus.

    Notes
    -----
    t test over sweeps of the differences in rate: sweeps are independent where single spikes, in bursts, are not.

    Raises
    ------
    ResultSchemaError
        Fewer than 60 sweeps; windows that overlap.
    """
    if len(onsets) < FEWEST_SWEEPS:
        raise ResultSchemaError(
            f"{len(onsets)} sweeps are too few to judge single cells; at least {FEWEST_SWEEPS} are needed"
        )
    start, stop = window
    # the next control must lie behind the answer, too
    _refuse_overlap(np.asarray(onsets, float), -before, stop, spikes.dt)
    control = sweep_counts(spikes, onsets, -before, 0.0) / before
    answer = sweep_counts(spikes, onsets, start, stop) / (stop - start)
    is_active = cell_rates(spikes) > ACTIVE_RATE
    return Responses(
        control.mean(axis=1), answer.mean(axis=1), _p_of_differences(answer - control), is_active
    )


def _p_of_differences(difference: np.ndarray) -> np.ndarray:
    from scipy.stats import ttest_1samp  # slow to load, and few readouts need it

    # the same difference in every sweep leaves nothing to doubt
    p = np.where(difference[:, 0] == 0, 1.0, 0.0)
    varies = np.ptp(difference, axis=1) > 0
    p[varies] = ttest_1samp(difference[varies], 0.0, axis=1).pvalue
    return p


def drug_responses(before: SpikeTrains, after: SpikeTrains) -> Responses:
    """Each cell in one recording against another, counted in seconds.

    Parameters
    ----------
    before, after : SpikeTrains
        Of the same cells, at least 60 s each.

    Notes
    -----
    Welch's t test on the counts of whole seconds.

    Raises
    ------
    ResultSchemaError
        Recordings shorter than 60 s, or of different cells.
    """
    if before.n_cells != after.n_cells:
        raise ResultSchemaError(f"recordings of {before.n_cells} and {after.n_cells} cells are not of the same cells")
    for spikes in (before, after):
        if spikes.duration < LEAST_TIME - spikes.dt / 2:
            raise ResultSchemaError(
                f"{spikes.duration:g} s are too short to judge single cells; at least {LEAST_TIME:g} s are needed"
            )
    from scipy.stats import ttest_ind

    counts = [
        sweep_counts(s, _BIN * np.arange(int(s.duration / _BIN + 1e-9)), 0.0, _BIN) for s in (before, after)
    ]
    p = np.where(counts[0][:, 0] == counts[1][:, 0], 1.0, 0.0)
    varies = (np.ptp(counts[0], axis=1) > 0) | (np.ptp(counts[1], axis=1) > 0)
    p[varies] = ttest_ind(counts[1][varies], counts[0][varies], axis=1, equal_var=False).pvalue
    rates = [cell_rates(s) for s in (before, after)]
    return Responses(*rates, p, rates[0] > ACTIVE_RATE)


def psth(
    spikes: SpikeTrains, onsets: np.ndarray, start: float, stop: float, step: float = 0.005
) -> tuple[np.ndarray, np.ndarray]:
    """Rate around the stimuli, mean over cells and sweeps (peristimulus time histogram).

    Parameters
    ----------
    spikes : SpikeTrains
    onsets : float array, shape (sweep,), s
        Rising.
    start, stop : float, s
        From each stimulus; negative before it.
    step : float, s
        Bin, a whole number of the steps of the spikes.

    Returns
    -------
    edges : float array, shape (bin,), s
        Beginning of each bin from the stimulus.
    rate : float array, shape (bin,), Hz

    Raises
    ------
    ResultSchemaError
        A step that is no whole number of time steps; windows that overlap.

    References
    ----------
    Gerstein GL, Kiang NYS (1960) Biophys J 1:15-28
    """
    if abs(step / spikes.dt - round(step / spikes.dt)) > 1e-6:
        raise ResultSchemaError(f"bins of {1e3 * step:g} ms are no whole number of steps of {1e3 * spikes.dt:g} ms")
    _refuse_overlap(np.asarray(onsets, float), start, stop, spikes.dt)
    edges = start + step * np.arange(round((stop - start) / step))
    rate = np.array([sweep_counts(spikes, onsets, a, a + step).mean() / step for a in edges])
    return edges, rate


def course(
    spikes: SpikeTrains,
    onsets: np.ndarray,
    sign: int,
    window: tuple[float, float],
    before: float = 0.3,
    step: float = 0.002,
) -> Course:
    """Latency and duration of what a population does in a window after the stimuli.

    Parameters
    ----------
    spikes : SpikeTrains
        Of the cells that answer.
    onsets : float array, shape (sweep,), s
    sign : -1 or +1
        An inhibition or an excitation.
    window : (start, stop), s
        Where it is looked for.
    before, step : float, s
        Control before each stimulus; bin of the histogram, which is smoothed over three.

    Notes
    -----
    The answer lasts as long as the rate is further from the control than half its largest distance, so that neither
    depends on how many cells and sweeps were seen. It is one where that distance is a fifth of the control's rate and
    more than three standard errors of a bin, counts of spikes being Poisson.
    """
    control = sweep_counts(spikes, onsets, -before, 0.0).mean() / before
    edges, rate = psth(spikes, onsets, window[0], window[1], step)
    smooth = np.convolve(np.pad(rate, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    distance = sign * (smooth - control)
    peak = int(np.argmax(distance))
    seen = 3 * step * max(spikes.n_cells, 1) * len(onsets)  # cell seconds in a smoothed bin
    if distance[peak] <= max(LEAST_CHANGE * control, _CLEAR * np.sqrt(control / seen)):
        return Course(np.nan, np.nan)
    is_far = distance >= 0.5 * distance[peak]
    near = np.flatnonzero(~is_far)
    first = near[near < peak].max(initial=-1) + 1
    last = near[near > peak].min(initial=is_far.size)
    return Course(float(edges[first]), float((last - first) * step))
