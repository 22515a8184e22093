"""Rhythms of a population: the spectrum of its rate, and how far its cells fire together in a band.

Frequencies are in Hz. Segments of a recording are 1 s long, so frequencies are told apart by 1 Hz; they overlap by half
and have a Hann window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.analysis.spikes import ACTIVE_RATE, cell_rates
from neurosim.errors import ResultSchemaError
from neurosim.recording import SpikeTrains

__all__ = ["BETA", "TOTAL", "Spectrum", "binned_counts", "population_spectrum", "spectrum", "synchrony"]

# Definitions of the readouts, not properties of a brain.
BETA = (15.0, 30.0)  # Hz
TOTAL = (1.0, 100.0)  # Hz: what relative power is a part of
SEGMENT = 1.0  # s
BIN = 0.002  # s: frequencies up to 250 Hz
FEWEST_SEGMENTS = 8  # of which a spectrum is a mean


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power spectral density, one-sided.

    Attributes
    ----------
    frequency : float array, shape (frequency,), Hz
    density : float array, shape (frequency,), unit of the signal squared per Hz
    """

    frequency: np.ndarray
    density: np.ndarray

    def power(self, low: float, high: float) -> float:
        """Variance of the signal that lies in [low, high)."""
        return float(self.density[self._band(low, high)].sum() * self.frequency[1])

    def relative_power(self, low: float, high: float, total: tuple[float, float] = TOTAL) -> float:
        """Power in [low, high) as a part of that in ``total``, by default 1 to 100 Hz; NaN of a constant signal."""
        whole = self.power(*total)
        return self.power(low, high) / whole if whole > 0 else np.nan

    def peak(self, low: float, high: float) -> float:
        """Frequency of the highest density in [low, high), Hz; NaN where that is an end, so that there is no peak."""
        band = np.flatnonzero(self._band(low, high))
        top = int(np.argmax(self.density[band]))
        return float(self.frequency[band[top]]) if 0 < top < band.size - 1 else np.nan

    def _band(self, low: float, high: float) -> np.ndarray:
        return _band(self.frequency, low, high)


def _band(frequency: np.ndarray, low: float, high: float) -> np.ndarray:
    inside = (frequency >= low - 1e-9) & (frequency < high - 1e-9)
    if not 0 <= low < high or high > frequency[-1] + 1e-9 or not inside.any():
        raise ResultSchemaError(
            f"no band from {low:g} to {high:g} Hz in a spectrum from 0 to {frequency[-1]:g} Hz "
            f"in steps of {frequency[1]:g} Hz"
        )
    return inside


def spectrum(signal: np.ndarray, step: float, segment: float = SEGMENT) -> Spectrum:
    """Periodogram by Welch's method.

    Parameters
    ----------
    signal : float array, shape (time,)
    step : float, s
    segment : float, s

    Raises
    ------
    ResultSchemaError
        A recording of fewer than eight segments, of which one periodogram is all noise.

    References
    ----------
    Welch PD (1967) IEEE Trans Audio Electroacoust 15:70-73
    """
    from scipy.signal import welch  # slow to load, and few readouts need it

    length = round(segment / step)
    _enough(signal.size, length, step)
    return Spectrum(*welch(signal, 1.0 / step, "hann", length, detrend="constant"))


def population_spectrum(spikes: SpikeTrains, segment: float = SEGMENT, step: float = BIN) -> Spectrum:
    """Spectrum of a population's rate: all its spikes together, in Hz per cell.

    Parameters
    ----------
    spikes : SpikeTrains
    segment, step : float, s
        Of the periodogram, and of the bins that spikes are counted in.

    Notes
    -----
    Cells that fire at a rate r independently of each other leave a floor of 2 r / n Hz² per Hz.

    Raises
    ------
    ResultSchemaError
        As :func:`spectrum`; bins that are no whole number of the spikes' steps.
    """
    return spectrum(binned_counts(spikes, step).sum(axis=0) / (spikes.n_cells * step), step, segment)


def binned_counts(spikes: SpikeTrains, step: float = BIN) -> np.ndarray:
    """Spikes of each cell in successive bins, int array of shape (cell, bin); a last bin that is cut is left out.

    Parameters
    ----------
    spikes : SpikeTrains
    step : float, s

    Raises
    ------
    ResultSchemaError
        Bins that are no whole number of the spikes' steps.
    """
    per_bin = round(step / spikes.dt)
    if per_bin < 1 or not np.isclose(per_bin * spikes.dt, step, rtol=1e-6, atol=0):
        raise ResultSchemaError(f"bins of {step:g} s are no whole number of steps of {spikes.dt:g} s")
    n = round(spikes.duration / spikes.dt) // per_bin
    column = spikes.step.astype(np.int64) // per_bin
    flat = (spikes.cell.astype(np.int64) * n + column)[column < n]
    return np.bincount(flat, minlength=spikes.n_cells * n).reshape(spikes.n_cells, n)


def synchrony(
    spikes: SpikeTrains,
    low: float = BETA[0],
    high: float = BETA[1],
    segment: float = SEGMENT,
    step: float = BIN,
) -> float:
    """How far the active cells fire together in a band: mean over pairs of the real part of their coherency.

    Parameters
    ----------
    spikes : SpikeTrains
    low, high : float, Hz
    segment, step : float, s

    Returns
    -------
    float
        0 in expectation for cells that are independent, whatever their number and the length of the recording, 1 for
        cells that fire alike; NaN for fewer than two active cells.

    Raises
    ------
    ResultSchemaError
        A recording of fewer than eight segments; a band that is not in the spectrum.

    Notes
    -----
    With X_i the Fourier transform of cell i in each segment, over the frequencies f of the band, and
    Y_i = X_i / sqrt(Σ_s,f |X_i|²), so that every cell counts alike::

        synchrony = ( Σ_s,f |Σ_i Y_i|² - N ) / ( N (N - 1) )

    N are the products of cells with themselves. What is left are those of distinct cells, so there is no bias, where
    magnitude-squared coherence has 1 / (number of segments) and needs much longer recordings. Cells that fire in the
    band at a fixed distance of a quarter period count as 0, in antiphase as negative. For n cells over a time T the
    standard deviation under independence is 1 / sqrt(n (n - 1) T (high - low)), somewhat more for the overlapping
    windows.

    References
    ----------
    Halliday DM, Rosenberg JR, Amjad AM, Breeze P, Conway BA, Farmer SF (1995) Prog Biophys Mol Biol 64:237-278
    (coherency of spike trains)
    Vinck M, van Wingerden M, Womelsdorf T, Fries P, Pennartz CMA (2010) NeuroImage 51:112-122 (distinct pairs only)
    """
    counts = binned_counts(spikes, step)
    length = round(segment / step)
    _enough(counts.shape[1], length, step)
    inside = _band(np.fft.rfftfreq(length, step), low, high)
    transforms = [
        _transform(cell, length)[:, inside].ravel() for cell in counts[cell_rates(spikes) > ACTIVE_RATE]
    ]
    powers = [np.linalg.norm(x) for x in transforms]
    alike = [x / power for x, power in zip(transforms, powers, strict=True) if power > 0]
    n = len(alike)
    if n < 2:
        return np.nan
    return float((np.linalg.norm(np.sum(alike, axis=0)) ** 2 - n) / (n * (n - 1)))


def _transform(signal: np.ndarray, length: int) -> np.ndarray:
    """Fourier transforms of half-overlapping segments without their means, shape (segment, frequency)."""
    from scipy.signal import get_window

    parts = np.lib.stride_tricks.sliding_window_view(signal, length)[:: length // 2]
    return np.fft.rfft((parts - parts.mean(axis=1, keepdims=True)) * get_window("hann", length), axis=1)


def _enough(n: int, length: int, step: float) -> None:
    segments = max(0, (n - length) // (length // 2) + 1)
    if segments < FEWEST_SEGMENTS:
        needed = length * step * (FEWEST_SEGMENTS + 1) / 2
        raise ResultSchemaError(
            f"{n * step:g} s are too short for a spectrum; at least {needed:g} s are needed "
            f"({FEWEST_SEGMENTS} segments of {length * step:g} s that overlap by half)"
        )
