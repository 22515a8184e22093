"""Readouts of populations: how firing changes, how many cells fire, the dose that halves firing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import Results
from neurosim.analysis.spikes import ACTIVE_RATE, cell_rates
from neurosim.errors import SpecError
from neurosim.validation.cell_readouts import trains_of
from neurosim.validation.common import (
    against_of,
    arms_of,
    fold_of,
    in_per_cent,
    known,
    mean_over,
    names_of,
    of_subjects,
    per_pair,
    phase_of,
)
from neurosim.validation.registry import Reading, readout

__all__ = ["half_dose"]

_RATES = ("rates",)
_MEASURES = ("firing_rate_active", "firing_rate", "active_fraction", "burst_fraction", "followed")
_HALF = 0.5


def _mean(results: Results, populations: Any, measure: str, arm: str, phase: str) -> xr.DataArray:
    """One variable of the group ``rates``, mean over populations, dims subject."""
    found = [
        of_subjects(results, "rates", measure, {"population": name}, arm, phase)
        for name in names_of(populations)
    ]
    return sum(found[1:], found[0]) / len(found)


def _followed(
    results: Results, populations: Any, now: tuple[str, str], then: tuple[str, str]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Rate of the cells that fired then, now over then, and 1: an electrode stays with its cell, silent or not."""

    def ratio(*trials: xr.DataTree) -> float:
        pair = zip(trials, (now, then), strict=True)
        rates = [cell_rates(trains_of(trial, populations, where[1])) for trial, where in pair]
        chosen = rates[1] > ACTIVE_RATE
        return rates[0][chosen].mean() / rates[1][chosen].mean() if chosen.any() else np.nan

    found = per_pair(results, (now[0], then[0]), ratio)
    return found, xr.ones_like(found)


def _pair(results, population, measure, arm, phase, against) -> tuple[xr.DataArray, xr.DataArray]:
    known("measure", measure, _MEASURES)
    (name,) = arms_of(results, [arm])
    now = (name, phase_of(results, phase))
    then = against_of(results, against, now[1])
    if measure == "followed":
        return _followed(results, population, now, then)
    return tuple(_mean(results, population, measure, *where) for where in (now, then))


@readout("%", _RATES, is_change=True)
def firing_rate_change(
    results, population, arm, phase=None, against=None, measure="firing_rate_active"
) -> Reading:
    """Change of a population's firing, paired over subjects.

    ``measure``: mean over the cells that fire (``firing_rate_active``, as groups of animals are compared), over all cells
    (``firing_rate``), the part that fires (``active_fraction``), the part of spikes in bursts (``burst_fraction``), or the
    rate of the cells that fired in ``against``, wherever it goes (``followed``: cells recorded before and after a drug).
    """
    pair = _pair(results, population, measure, arm, phase, against)
    return in_per_cent(fold_of(*pair, f"{measure} of {population}"))


@readout("%", _RATES, is_change=True)
def cells_per_track_change(results, population, arm, phase=None, against=None) -> Reading:
    """Change of the number of firing cells that an electrode meets on its way; lost cells are not met."""
    pair = _pair(results, population, "active_fraction", arm, phase, against)
    return in_per_cent(fold_of(*pair, f"firing cells of {population}"))


@readout("%", _RATES, is_change=True)
def firing_contrast(
    results, population, arm, than, phase=None, against=None, measure="firing_rate_active"
) -> Reading:
    """How much more the firing of a population changes than that of another: ratio of the two ratios, less one."""
    (a, b), (c, d) = (_pair(results, name, measure, arm, phase, against) for name in (population, than))
    return in_per_cent(fold_of(a / b, c / d, f"{measure} of {population} and {than}"))


@readout("Hz", _RATES)
def firing_rate(results, population, arm, phase=None, measure="firing_rate_active") -> Reading:
    """Firing of a population, by default of the cells that fire."""
    known("measure", measure, _MEASURES[:2])
    (name,) = arms_of(results, [arm])
    return mean_over(_mean(results, population, measure, name, phase_of(results, phase)))


@readout("mg/kg", _RATES)
def ED50_firing(results, population, arm, phase=None) -> Reading:
    """Dose that halves the firing of a population against the reference, cells that fall silent included.

    ``arm`` is scanned over the dose of its drug; infinite if no dose of the scan does it.
    """
    (name,) = arms_of(results, [arm])
    axes = [axis for axis in results.axes.values() if axis.unit == "mg/kg"]
    if len(axes) != 1 or len(results.axes) != 1 or not axes[0].path.startswith(f"arms.{name}."):
        raise SpecError(f"arm {name!r} has no dose to go over: it needs a scan with one axis in mg/kg")
    rates = results.summary["rates"].firing_rate
    rates = rates.sel(population=known("population", population, rates.population.values.tolist()))
    rest_arm, rest_phase = results.reference
    rest = rates.sel(arm=rest_arm, phase=rest_phase, drop=True)
    parts = (rates.sel(arm=name, phase=phase_of(results, phase), drop=True) / rest).mean("subject")
    return Reading.exact(half_dose(np.array(axes[0].values, float), parts.values))


def half_dose(doses: np.ndarray, parts: np.ndarray) -> float:
    """Dose at which what is left first falls to a half, interpolated on the logarithm of dose; infinite if it never does.

    Raises
    ------
    SpecError
        Less than a half is left at the lowest dose.
    """
    below = np.flatnonzero(parts <= _HALF)
    if not below.size:
        return math.inf
    k = below[0]
    if k == 0:
        raise SpecError(
            f"the lowest dose, {doses[0]:g} mg/kg, leaves {100 * parts[0]:.3g} % of the firing; begin lower"
        )
    (x0, x1), (y0, y1) = np.log(doses[k - 1 : k + 1]), parts[k - 1 : k + 1]
    return float(np.exp(x0 + (y0 - _HALF) / (y0 - y1) * (x1 - x0)))
