"""How the spikes of two trains or populations lie to each other in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import correlate

from neurosim.analysis.rhythms import binned_counts
from neurosim.errors import ResultSchemaError
from neurosim.recording import SpikeTrains

__all__ = ["CrossCorrelation", "cross_correlation"]


@dataclass(frozen=True, eq=False)
class CrossCorrelation:
    """Cross-correlation histogram of spike trains.

    Attributes
    ----------
    lag : float array, shape (lag,), s
        Rising, symmetric about 0. At a positive lag the second fires after the first.
    count : int array, shape (lag,)
        Pairs of spikes, one of each, that lie this far apart.
    expected : float array, shape (lag,)
        Pairs there would be on average if the trains were independent of each other and kept their rates.
    """

    lag: np.ndarray
    count: np.ndarray
    expected: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Pairs over those expected, dimensionless, shape (lag,): 1 is independence; NaN where a train has no spike."""
        return np.divide(self.count, self.expected, out=np.full(self.lag.size, np.nan), where=self.expected > 0)

    @property
    def standard_error(self) -> np.ndarray:
        """Of ``ratio`` between independent Poisson trains, 1 / sqrt(expected), shape (lag,)."""
        return np.divide(1.0, np.sqrt(self.expected), out=np.full(self.lag.size, np.nan), where=self.expected > 0)


def cross_correlation(
    first: SpikeTrains, second: SpikeTrains | None = None, max_lag: float = 0.1, step: float = 0.001
) -> CrossCorrelation:
    """When the second fires around the spikes of the first, over all pairs of their cells.

    Parameters
    ----------
    first : SpikeTrains
        One train or the cells of a population.
    second : SpikeTrains, optional
        Of the same recording; by default the first again, in pairs of distinct cells.
    max_lag : float, s
        Largest lag, shorter than the recording.
    step : float, s
        Bin, a whole number of the steps of the spikes.

    Returns
    -------
    CrossCorrelation

    Raises
    ------
    ResultSchemaError
        Recordings of different lengths; a lag or bin that they do not hold; one cell and no other.

    Notes
    -----
    Spikes are counted in bins; with a_i(t) and b_j(t) the counts of a cell in bin t, of N::

        count(k)    = Σ_ij Σ_t a_i(t) b_j(t + k)
        expected(k) = Σ_ij (Σ a_i) (Σ b_j) (N - |k|) / N²
        ratio       = count / expected

    The factor N - |k| is the number of bins that a lag leaves. Within a population i ≠ j: a cell's own intervals are not
    in it. Two spikes that lie d apart are counted at the two lags around d, by how near each is. Rates that change along
    the recording make a broad hill: that is not a connection.

    References
    ----------
    Perkel DH, Gerstein GL, Moore GP (1967) Biophys J 7:419-440
    """
    other = first if second is None else second
    if not np.isclose(first.duration, other.duration, rtol=1e-9):
        raise ResultSchemaError(
            f"recordings of {first.duration:g} and {other.duration:g} s are not of the same time: there are no lags"
        )
    if second is None and first.n_cells < 2:
        raise ResultSchemaError("one cell and no other: give a second train, or a population of two cells or more")
    a, b = binned_counts(first, step), binned_counts(other, step)
    lags, n_bins = round(max_lag / step), a.shape[1]
    if not 1 <= lags < n_bins:
        raise ResultSchemaError(
            f"lags up to {max_lag:g} s in steps of {step:g} s do not fit a recording of {first.duration:g} s"
        )
    count, pairs = _pairs(a.sum(axis=0), b.sum(axis=0), lags), float(a.sum()) * float(b.sum())
    if second is None:
        count = count - sum(_pairs(cell, cell, lags) for cell in a)
        pairs -= float((a.sum(axis=1, dtype=float) ** 2).sum())
    k = np.arange(-lags, lags + 1)
    return CrossCorrelation(k * step, count, pairs * (n_bins - np.abs(k)) / n_bins**2)


def _pairs(a: np.ndarray, b: np.ndarray, lags: int) -> np.ndarray:
    """Σ_t a(t) b(t + k) for k from -lags to lags, whole numbers."""
    every = correlate(b.astype(float), a.astype(float), mode="full", method="fft")
    middle = a.size - 1
    return np.rint(every[middle - lags : middle + lags + 1]).astype(np.int64)
