"""Readouts of what probes and electrodes report: dialysate, voltammetry, rhythms of a population.

Each is read in every subject and then taken over subjects: a change as the geometric mean of paired ratios, a number as
its mean, both with their 95 % t interval. Changes are against ``against``: the reference arm and phase (default), an arm
in the same phases (``ARM``), or ``[ARM, PHASE]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import Results, spike_trains
from neurosim.analysis.rhythms import BETA, Spectrum, population_spectrum, synchrony
from neurosim.analysis.signals import dialysate_of_parts, evoked_peaks
from neurosim.analysis.stimuli import stimulus_onsets
from neurosim.errors import SpecError
from neurosim.recording import SpikeTrains
from neurosim.validation.common import (
    against_of,
    arms_of,
    fold_of,
    in_per_cent,
    known,
    level_of,
    mean_over,
    per_subject,
    phase_of,
    pool_of,
)
from neurosim.validation.registry import Reading, readout

__all__: list[str] = []

_TAKEN = {"mean": None, "max": max, "min": min}
_WINDOW = 1.0  # s after a pulse
_PEAK = (10.0, 50.0)  # Hz: where the peak of a beta rhythm is looked for


# Microdialysis


def _levels(results: Results, pool: Any, arm: str, phases: list[str]) -> xr.DataArray:
    """What a vial holds whose parts are some phases, nM, dims subject."""
    parts = np.array([level_of(results, pool, arm, phase).values for phase in phases]).T
    found = np.full(len(results.subjects), np.nan)
    has_data = np.isfinite(parts).all(axis=1)
    if has_data.any():
        found[has_data] = dialysate_of_parts(parts[has_data])
    return xr.DataArray(found, dims="subject", coords={"subject": list(results.subjects)})


def _vials(results: Results, phases: Any, take: str) -> list[list[str]]:
    """The phases of each vial: one of all of them, or one each."""
    known("take", take, _TAKEN)
    named = [phases] if phases is None or isinstance(phases, str) else list(phases)
    if not named:
        raise SpecError("phases is empty; name the phases that make up the sample")
    found = [phase_of(results, phase) for phase in named]
    return [found] if take == "mean" else [[phase] for phase in found]


def _dialysate(results, pool, arm, phases, against, take) -> Reading:
    (name,) = arms_of(results, [arm])
    found = []
    for vial in _vials(results, phases, take):
        basal_arm, basal_phase = against_of(results, against, vial[0])
        basal = vial if isinstance(against, str) else [basal_phase]
        now, before = (_levels(results, pool, *where) for where in ((name, vial), (basal_arm, basal)))
        found.append(fold_of(now, before, f"{pool} in arm {name!r}"))
    choose = _TAKEN[take]
    return found[0] if choose is None else choose(found, key=lambda reading: reading.value)


@readout("%", ("pools",), is_change=True)
def dialysate_change(results, pool, arm, phases=None, against=None, take="mean") -> Reading:
    """Change of what a microdialysis probe collects of a pool (``REGION.TRANSMITTER``; of several their mean), paired.

    ``phases`` (default the last) are parts of one sample, of equal length, with ``take: mean``; with ``max`` or ``min``
    they are successive samples, of which the one whose mean over subjects is most extreme counts, as the peak of a
    published time course does. Recovery cancels in the ratio to basal, as far as no drug changes it.
    """
    return in_per_cent(_dialysate(results, pool, arm, phases, against, take))


@readout("x", ("pools",))
def dialysate_fold(results, pool, arm, phases=None, against=None, take="mean") -> Reading:
    """What a microdialysis probe collects of a pool as a multiple of basal, 1 is no change; see dialysate_change."""
    return _dialysate(results, pool, arm, phases, against, take)


# Voltammetry


def _evoked(results, pool, arm, population, phase, window) -> xr.DataArray:
    """Mean peak of the pulses an arm gives a population in a phase, nM, dims subject."""
    onsets = stimulus_onsets(results, arm, phase, population)

    def height(trial: xr.DataTree) -> float:
        traces = trial["traces"].concentration.sel(phase=phase)
        for dim, name in pool_of(pool).items():
            traces = traces.sel({dim: known(dim, name, traces[dim].values.tolist())})
        step = float(traces.time.values[1] - traces.time.values[0])
        # a shorter phase ends in NaN
        recorded = traces.values[: round(float(trial["trials"].record.sel(phase=phase)) / step)]
        return np.nanmean(evoked_peaks(recorded, step, onsets, float(window)).height)

    return per_subject(results, arm, height)


@readout("nM", ("pools",))
def evoked_peak(results, pool, arm, population, phase=None, window=_WINDOW) -> Reading:
    """Rise of a pool after each pulse to a population as voltammetry at 10 Hz shows it, mean over pulses and subjects.

    ``window`` (s) is how long after a pulse the peak is looked for; pulses must not come closer.
    """
    (name,) = arms_of(results, [arm])
    return mean_over(_evoked(results, pool, name, population, phase_of(results, phase), window))


@readout("%", ("pools",), is_change=True)
def evoked_peak_change(results, pool, arm, population, phase=None, against=None, window=_WINDOW) -> Reading:
    """Change of the rise of a pool after each pulse to a population, each arm with its own pulses; see evoked_peak."""
    (name,), now = arms_of(results, [arm]), phase_of(results, phase)
    pair = (
        _evoked(results, pool, of, population, when, window)
        for of, when in ((name, now), against_of(results, against, now))
    )
    return in_per_cent(fold_of(*pair, f"evoked {pool}"))


# Rhythms


def _of_spikes(
    results: Results, population: str, arm: str, phase: str, measure: Callable[[SpikeTrains], float]
) -> xr.DataArray:
    """A number from a population's spikes, dims subject."""
    known("population", population, results.summary["rates"].population.values.tolist())
    return per_subject(results, arm, lambda trial: measure(spike_trains(trial, phase, population)))


def _fold_of_spikes(results, population, arm, phase, against, measure, what) -> Reading:
    (name,), now = arms_of(results, [arm]), phase_of(results, phase)
    pair = (
        _of_spikes(results, population, *where, measure)
        for where in ((name, now), against_of(results, against, now))
    )
    return fold_of(*pair, f"{what} of {population}")


@readout("%", ("rates",), is_change=True)
def beta_power_change(
    results, population, arm, phase=None, against=None, low=BETA[0], high=BETA[1], relative=False
) -> Reading:
    """Change of the power of a population's rate between two frequencies (15-30 Hz), paired over subjects.

    With ``relative: true`` the power counts as a part of that from 1 to 100 Hz.
    """
    share = Spectrum.relative_power if relative else Spectrum.power

    def power(spikes: SpikeTrains) -> float:
        return share(population_spectrum(spikes), float(low), float(high))

    return in_per_cent(_fold_of_spikes(results, population, arm, phase, against, power, "power"))


@readout("Hz", ("rates",))
def beta_peak(results, population, arm, phase=None, low=_PEAK[0], high=_PEAK[1]) -> Reading:
    """Frequency of the highest power of a population's rate between two frequencies (10-50 Hz), mean over subjects.

    Subjects whose power is highest at an end of the band have no peak in it and are left out.
    """

    def peak(spikes: SpikeTrains) -> float:
        return population_spectrum(spikes).peak(float(low), float(high))

    (name,) = arms_of(results, [arm])
    return mean_over(_of_spikes(results, population, name, phase_of(results, phase), peak))


@readout("x", ("rates",))
def synchrony_ratio(results, population, arm, phase=None, against=None, low=BETA[0], high=BETA[1]) -> Reading:
    """How far a population's cells fire together in a band (15-30 Hz) as a multiple of before, paired over subjects.

    No ratio can be formed where a population's synchrony is not above 0, that of cells that are independent.
    """

    def together(spikes: SpikeTrains) -> float:
        return synchrony(spikes, float(low), float(high))

    return _fold_of_spikes(results, population, arm, phase, against, together, "synchrony")
