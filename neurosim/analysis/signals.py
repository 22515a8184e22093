"""What probes in the tissue report of a concentration: microdialysis and fast-scan cyclic voltammetry.

Concentrations are traces in nM, times in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ResultSchemaError

__all__ = ["BACKGROUND", "SCAN", "EvokedPeaks", "dialysate", "dialysate_of_parts", "evoked_peaks"]

# Definitions of the instruments, not properties of a brain.
SCAN = 0.1  # s: one voltammogram every 100 ms
BACKGROUND = 0.5  # s before a stimulus whose voltammograms are subtracted


@dataclass(frozen=True, eq=False)
class EvokedPeaks:
    """What each pulse released, above the level just before it.

    Attributes
    ----------
    height : float array, shape (..., pulse), nM
        Highest scan of the window less the background; negative where the level only fell.
    delay : float array, shape (..., pulse), s
        From the pulse to that scan.
    half_time : float array, shape (..., pulse), s
        From that scan to half its height, between scans on a line; NaN where the window ends before.

    All are NaN for a pulse whose background or window reaches beyond the recording.
    """

    height: np.ndarray
    delay: np.ndarray
    half_time: np.ndarray


def dialysate(concentration: np.ndarray, step: float, sample: float, recovery: float = 1.0) -> np.ndarray:
    """Concentration in successive samples of a microdialysis probe.

    Parameters
    ----------
    concentration : float array, shape (..., time), nM
        Extracellular.
    step : float, s
        Between entries along time.
    sample : float, s
        How long the outflow is collected into one vial, a whole number of steps.
    recovery : float in (0, 1]
        Concentration in the outflow over that outside of the probe.

    Returns
    -------
    float array, shape (..., sample), nM
        A last vial that is not full is left out.

    Raises
    ------
    ResultSchemaError
        A sample that is no whole number of steps or longer than the recording; a recovery out of range; a concentration
        that is missing.

    Notes
    -----
    A probe collects by diffusion, so a vial holds the mean over its time. Recovery is taken as constant: that of
    dopamine falls where its uptake is blocked, so what a vial reports of such a drug is less than what the tissue does.

    References
    ----------
    Chefer VI, Thompson AC, Zapata A, Shippenberg TS (2009) Curr Protoc Neurosci 47:7.1.1-7.1.28
    Smith AD, Justice JB (1994) J Neurosci Methods 54:75-82 (recovery under blocked uptake)
    """
    concentration = _complete(concentration)
    length = _whole(sample, step, "a sample")
    n = concentration.shape[-1] // length
    if n == 0:
        raise ResultSchemaError(
            f"a sample of {sample:g} s is longer than the recording of {concentration.shape[-1] * step:g} s"
        )
    vials = concentration[..., : n * length].reshape(*concentration.shape[:-1], n, length)
    return _recovered(vials.mean(axis=-1), recovery)


def dialysate_of_parts(
    concentration: np.ndarray, parts: Sequence[float] | None = None, recovery: float = 1.0
) -> np.ndarray:
    """Concentration in one sample of a microdialysis probe of which several recordings each stand for a part.

    Parameters
    ----------
    concentration : float array, shape (..., part), nM
        Mean of each recording.
    parts : sequence of float, shape (part,), optional
        How long each stands for, in any unit; equally long by default.
    recovery : float in (0, 1]

    Returns
    -------
    float array, shape (...), nM

    Raises
    ------
    ResultSchemaError
        Parts that are not positive or not one per recording; a recovery out of range; a concentration that is missing.
    """
    concentration = _complete(concentration)
    n = concentration.shape[-1]
    weights = np.ones(n) if parts is None else np.asarray(parts, float)
    if weights.shape != (n,) or not np.all(weights > 0):
        raise ResultSchemaError(f"{n} recordings need {n} positive parts of a sample, not {weights.tolist()}")
    return _recovered(concentration @ (weights / weights.sum()), recovery)


def evoked_peaks(
    concentration: np.ndarray,
    step: float,
    onsets: np.ndarray,
    window: float = 1.0,
    before: float = BACKGROUND,
    scan: float = SCAN,
) -> EvokedPeaks:
    """Rise of a concentration after each pulse as fast-scan cyclic voltammetry shows it.

    Parameters
    ----------
    concentration : float array, shape (..., time), nM
        The first entry at the start of the recording.
    step : float, s
        Between entries along time, no longer than a scan.
    onsets : float array, shape (pulse,), s
        Rising, from the start of the recording.
    window, before, scan : float, s
        How long after a pulse the peak is looked for; how long before it the background lasts; one voltammogram every
        ``scan``. The first two are whole numbers of scans.

    Returns
    -------
    EvokedPeaks

    Raises
    ------
    ResultSchemaError
        No pulses, pulses closer than the window (each peak would hold part of the next), none of which window and
        background lie within the recording; a scan shorter than the step; a concentration that is missing.

    Notes
    -----
    An electrode sees the level at one moment of every 100 ms, and only its changes: the large charging current is
    removed by subtracting scans from just before. Scans are locked to the pulse (-500 … -100 ms are the background,
    100, 200, … ms may hold the peak), as rigs place a stimulus between two scans. A release that is cleared in less
    than 100 ms is therefore seen small, as in an animal. That dopamine adsorbs to the fibre, which makes real signals
    slower, is not in it.

    References
    ----------
    Robinson DL, Venton BJ, Heien MLAV, Wightman RM (2003) Clin Chem 49:1763-1773
    """
    concentration, onsets = _complete(concentration), np.asarray(onsets, float)
    if scan < step * (1 - 1e-9):
        raise ResultSchemaError(
            f"scans every {scan:g} s need a trace of no longer steps; this has {step:g} s"
        )
    after = scan * np.arange(1, 1 + _whole(window, scan, "the window"))
    background = -scan * np.arange(1, 1 + _whole(before, scan, "the background"))
    if not onsets.size:
        raise ResultSchemaError("there are no pulses, so nothing is evoked")
    if onsets.size > 1 and np.diff(onsets).min() < window * (1 - 1e-9):
        raise ResultSchemaError(
            f"pulses come every {np.diff(onsets).min():g} s, closer than the window of {window:g} s"
        )
    last = (concentration.shape[-1] - 1) * step
    is_inside = (onsets + background[-1] > -step / 2) & (onsets + after[-1] < last + step)
    if not is_inside.any():
        raise ResultSchemaError(
            f"no pulse has {before:g} s before it and {window:g} s after it in the recording of {last + step:g} s"
        )
    level = _at(concentration, step, onsets[:, None] + background).mean(axis=-1)
    rise = _at(concentration, step, onsets[:, None] + after) - level[..., None]
    top = rise.argmax(axis=-1)
    found = (rise.max(axis=-1), after[top], _half_times(rise, top, scan))
    return EvokedPeaks(*(np.where(is_inside, values, np.nan) for values in found))


def _at(concentration: np.ndarray, step: float, times: np.ndarray) -> np.ndarray:
    """Concentration at some times, on a line between the entries of the trace, shape (..., *times.shape)."""
    n = concentration.shape[-1]
    # to a millionth of a step: times on the grid are read off, however they were rounded
    place = np.clip(np.round(times / step, 6), 0, n - 1)
    below = np.minimum(place.astype(np.int64), max(n - 2, 0))
    part = place - below
    above = np.minimum(below + 1, n - 1)
    return (1 - part) * concentration[..., below] + part * concentration[..., above]


def _half_times(rise: np.ndarray, top: np.ndarray, scan: float) -> np.ndarray:
    """From the highest scan to half its height, s; NaN where it does not fall that far."""
    half = 0.5 * np.take_along_axis(rise, top[..., None], axis=-1)
    is_low = (rise <= half) & (np.arange(rise.shape[-1]) > top[..., None]) & (half > 0)
    first = is_low.argmax(axis=-1)[..., None]
    low, high = (np.take_along_axis(rise, np.maximum(at, 0), axis=-1) for at in (first, first - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = (first - 1 + (high - half) / (high - low))[..., 0] - top
    return np.where(is_low.any(axis=-1), scan * crossing, np.nan)


def _complete(concentration: np.ndarray) -> np.ndarray:
    concentration = np.asarray(concentration, float)
    if not concentration.size or not np.isfinite(concentration).all():
        raise ResultSchemaError("the concentration is missing in part, so no probe could have measured it")
    return concentration


def _whole(time: float, step: float, what: str) -> int:
    n = round(time / step)
    if n < 1 or not np.isclose(n * step, time, rtol=1e-6, atol=0):
        raise ResultSchemaError(f"{what} of {time:g} s is no whole number of steps of {step:g} s")
    return n


def _recovered(level: np.ndarray, recovery: float) -> np.ndarray:
    if not 0 < recovery <= 1:
        raise ResultSchemaError(f"recovery {recovery:g} is out of range; allowed: above 0, at most 1")
    return recovery * level
