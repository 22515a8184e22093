"""Readouts of single cells and populations: who answers to a stimulus or a drug, how firing changes, half-effective doses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.analysis import Results, spike_trains
from neurosim.analysis.responses import Responses, course, drug_responses, pulse_responses
from neurosim.analysis.spikes import ACTIVE_RATE, cell_rates
from neurosim.analysis.stimuli import stimulus_onsets
from neurosim.errors import SpecError
from neurosim.recording import SpikeTrains
from neurosim.validation.common import (
    against_of,
    arm_of,
    dose_axis,
    known,
    mean_reading,
    names_of,
    phase_of,
    ratio_reading,
    subject_values,
)
from neurosim.validation.registry import Reading, readout

_RATES = ("rates",)
_MEASURES = ("firing_rate_active", "firing_rate", "active_fraction", "burst_fraction", "followed")
_SIGNS = {"inhibited": -1, "excited": +1}
_OF = ("active", "responding")
_MS = 1e-3
_HALF = 0.5


def _trains(results: Results, populations: Any, arm: str, phase: str, subject: int) -> SpikeTrains:
    """Spike trains of the cells of one or several populations, one after the other."""
    trial, names = results.trial(arm, subject), names_of(populations)
    there = trial["rates"].population.values.tolist()
    parts = [spike_trains(trial, phase, known("population", name, there)) for name in names]
    return SpikeTrains(
        np.concatenate([p.step for p in parts]),
        np.concatenate([p.row_size for p in parts]),
        parts[0].dt,
        parts[0].duration,
    )


def _onsets(results: Results, arm: str, phase: str) -> np.ndarray:
    """When an arm's pulses begin (s); several populations that are stimulated are taken to share them."""
    trial_of = results.trial(arm, results.subjects[0])
    for name in trial_of["rates"].population.values.tolist():
        try:
            return stimulus_onsets(results, arm, phase, name)
        except Exception as error:
            last = error
    raise SpecError(f"arm {arm!r} gives no pulses in phase {phase!r}: {last}")


def _window(window: Sequence[float]) -> tuple[float, float]:
    start, stop = (float(edge) * _MS for edge in window)
    return start, stop


def _of_pulses(results, population, arm, phase, window, before, onsets_of=None) -> list[Responses]:
    """Each subject's cells after pulses; the pulses may be those of another arm, which were not given here."""
    onsets = _onsets(results, onsets_of or arm, phase)
    return [
        pulse_responses(
            _trains(results, population, arm, phase, subject), onsets, _window(window), float(before) * _MS
        )
        for subject in results.subjects
    ]


def _of_drug(results, population, arm, phase, against) -> list[Responses]:
    before = against_of(results, against, phase)
    return [
        drug_responses(
            *(_trains(results, population, *where, subject) for where in (before, (arm, phase)))
        )
        for subject in results.subjects
    ]


def _share(found: list[Responses], which: Callable[[Responses], np.ndarray], of: str = "active") -> Reading:
    """Per cent of the cells that fired, or of those that answered at all, over subjects."""
    known("of", of, _OF)
    shares = []
    for responses in found:
        share = 100.0 * responses.share(which(responses))
        if of == "responding":
            answered = 100.0 * responses.share(responses.is_inhibited | responses.is_excited)
            share = 100.0 * share / answered if answered else np.nan
        shares.append(share)
    return mean_reading(np.array(shares))


def _beyond(sign: str) -> Callable[[Responses], np.ndarray]:
    return lambda responses: responses.is_inhibited if _SIGNS[sign] < 0 else responses.is_excited


@readout("%", _RATES)
def share_inhibited(results, population, arm, window, phase=None, before=300, of="active") -> Reading:
    """Part of the cells that are inhibited in a window (ms) after the pulses of an arm."""
    found = _of_pulses(results, population, arm_of(results, arm), phase_of(results, phase), window, before)
    return _share(found, _beyond("inhibited"), of)


@readout("%", _RATES)
def share_excited(results, population, arm, window, phase=None, before=300, of="active") -> Reading:
    """Part of the cells that are excited in a window (ms) after the pulses of an arm."""
    found = _of_pulses(results, population, arm_of(results, arm), phase_of(results, phase), window, before)
    return _share(found, _beyond("excited"), of)


@readout("%", _RATES)
def share_biphasic(results, population, arm, first, early, late, phase=None, before=300) -> Reading:
    """Part of the cells that answer one way in an early window (ms) and the other way in a late one."""
    second = {"inhibited": "excited", "excited": "inhibited"}[known("first", first, _SIGNS)]
    where = (results, population, arm_of(results, arm), phase_of(results, phase))
    pairs = zip(_of_pulses(*where, early, before), _of_pulses(*where, late, before), strict=True)
    shares = [a.share(_beyond(first)(a) & _beyond(second)(b)) for a, b in pairs]
    return mean_reading(100.0 * np.array(shares))


@readout("%", _RATES)
def share_inhibited_by_drug(results, population, arm, against, phase=None, of="active") -> Reading:
    """Part of the cells that fire less in an arm and phase than in another recording, at least 60 s each."""
    found = _of_drug(results, population, arm_of(results, arm), phase_of(results, phase), against)
    return _share(found, _beyond("inhibited"), of)


@readout("%", _RATES)
def share_excited_by_drug(results, population, arm, against, phase=None, of="active") -> Reading:
    """Part of the cells that fire more in an arm and phase than in another recording, at least 60 s each."""
    found = _of_drug(results, population, arm_of(results, arm), phase_of(results, phase), against)
    return _share(found, _beyond("excited"), of)


@readout("%", _RATES)
def share_by_chance(
    results, population, arm, phase=None, onsets_of=None, window=None, before=300, against=None
) -> Reading:
    """Part of the cells that seem to answer where nothing was given: the false positives of the shares."""
    name, when = arm_of(results, arm), phase_of(results, phase)
    if (onsets_of is None) == (against is None):
        raise SpecError("share_by_chance: give onsets_of and window, or against")
    if against is None:
        found = _of_pulses(results, population, name, when, window, before, arm_of(results, onsets_of))
    else:
        found = _of_drug(results, population, name, when, against)
    return _share(found, lambda responses: responses.is_inhibited | responses.is_excited)


@readout("%", _RATES, is_change=True)
def pulse_change(results, population, arm, window, phase=None, before=300) -> Reading:
    """Change of a population's rate in a window (ms) after the pulses of an arm, against the time before them."""
    found = _of_pulses(results, population, arm_of(results, arm), phase_of(results, phase), window, before)
    now, then = (
        np.array([getattr(r, side)[r.is_active].mean() for r in found]) for side in ("after", "before")
    )
    return ratio_reading(now, then, f"{population} around the pulses of {arm}")


def _courses(results, population, arm, sign, window, search, phase, before):
    """Course of the cells of each subject that answer in ``window``, looked for in ``search``."""
    known("sign", sign, _SIGNS)
    name, when = arm_of(results, arm), phase_of(results, phase)
    onsets, found = _onsets(results, name, when), []
    for subject in results.subjects:
        trains = _trains(results, population, name, when, subject)
        responses = pulse_responses(trains, onsets, _window(window), float(before) * _MS)
        chosen = np.flatnonzero(_beyond(sign)(responses))
        own = SpikeTrains(
            np.concatenate([trains.of(k, k + 1).step for k in chosen] or [np.zeros(0, np.int32)]),
            trains.row_size[chosen],
            trains.dt,
            trains.duration,
        )
        if chosen.size:
            found.append(course(own, onsets, _SIGNS[sign], _window(search), float(before) * _MS))
    if not found:
        raise SpecError(f"no cell of {population} is {sign} after the pulses of {arm}, so nothing has a course")
    return found


@readout("ms", _RATES)
def response_duration(results, population, arm, sign, window, search, phase=None, before=300) -> Reading:
    """How long the cells that answer in a window (ms) do so, at half depth, within the time searched."""
    found = _courses(results, population, arm, sign, window, search, phase, before)
    return mean_reading(np.array([c.duration for c in found]) / _MS)


@readout("ms", _RATES)
def response_latency(results, population, arm, sign, window, search, phase=None, before=300) -> Reading:
    """When the cells that answer in a window (ms) begin to do so, at half depth, within the time searched."""
    found = _courses(results, population, arm, sign, window, search, phase, before)
    return mean_reading(np.array([c.latency for c in found]) / _MS)


# Firing of populations


def _rates(results: Results, populations: Any, measure: str, arm: str, phase: str) -> np.ndarray:
    """One readout of the group ``rates`` per subject, mean over populations."""
    variable, names = results.summary["rates"][measure], names_of(populations)
    for name in names:
        known("population", name, variable.population.values.tolist())
    return np.mean([subject_values(variable.sel(population=name), arm, phase) for name in names], axis=0)


def _followed(results: Results, populations: Any, now: tuple[str, str], then: tuple[str, str]):
    """Mean rates per subject of the cells that fired then: an electrode stays with its cell, also when that falls silent."""
    pairs = []
    for subject in results.subjects:
        rates = [cell_rates(_trains(results, populations, *where, subject)) for where in (now, then)]
        chosen = rates[1] > ACTIVE_RATE
        pairs.append([r[chosen].mean() if chosen.any() else np.nan for r in rates])
    return np.array(pairs).T


def _pair(results, population, measure, arm, phase, against) -> tuple[np.ndarray, np.ndarray]:
    known("measure", measure, _MEASURES)
    now = (arm_of(results, arm), phase_of(results, phase))
    then = against_of(results, against, now[1])
    if measure == "followed":
        return _followed(results, population, now, then)
    return tuple(_rates(results, population, measure, *where) for where in (now, then))


@readout("%", _RATES, is_change=True)
def firing_rate_change(
    results, population, arm, phase=None, against=None, measure="firing_rate_active"
) -> Reading:
    """Change of a population's firing, paired over subjects.

    ``measure``: mean over the cells that fire (``firing_rate_active``: groups of animals), of all cells (``firing_rate``),
    the part that fires (``active_fraction``), the part of spikes in bursts (``burst_fraction``), or the rate of the cells
    that fired in ``against``, wherever it goes (``followed``: cells recorded before and after a drug).
    """
    return ratio_reading(*_pair(results, population, measure, arm, phase, against), f"firing of {population}")


@readout("%", _RATES, is_change=True)
def cells_per_track_change(results, population, arm, phase=None, against=None) -> Reading:
    """Change of the number of firing cells that an electrode meets on its way through the healthy number of cells."""
    return ratio_reading(
        *_pair(results, population, "active_fraction", arm, phase, against), f"firing cells of {population}"
    )


@readout("%", _RATES, is_change=True)
def firing_contrast(
    results, population, arm, than, phase=None, against=None, measure="firing_rate_active"
) -> Reading:
    """How much more the firing of a population changes than that of another: ratio of the two ratios less one."""
    (a, b), (c, d) = (_pair(results, name, measure, arm, phase, against) for name in (population, than))
    return ratio_reading(a / b, c / d, f"firing of {population} and {than}")


@readout("Hz", _RATES)
def firing_rate(results, population, arm, phase=None, measure="firing_rate_active") -> Reading:
    """Firing of a population, of the cells that fire."""
    known("measure", measure, _MEASURES[:2])
    return mean_reading(_rates(results, population, measure, arm_of(results, arm), phase_of(results, phase)))


@readout("mg/kg", _RATES)
def ED50_firing(results, population, arm, phase=None) -> Reading:
    """Dose that halves the firing of a population against the reference, cells that fall silent included."""
    name, when = arm_of(results, arm), phase_of(results, phase)
    axis, doses = dose_axis(results, name)
    variable = results.summary["rates"].firing_rate
    known("population", population, variable.population.values.tolist())
    rates = variable.sel(population=population, arm=name, phase=when).transpose("subject", axis).values
    rest = subject_values(variable.sel(population=population), *results.reference)
    parts = (rates / rest[:, None]).mean(axis=0)
    return Reading.exact(half_dose(doses, parts))


def half_dose(doses: np.ndarray, parts: np.ndarray) -> float:
    """Dose at which what is left first falls to a half, interpolated on the logarithm of dose; infinite if it never does."""
    below = np.flatnonzero(parts <= _HALF)
    if not below.size:
        return math.inf
    k = below[0]
    if k == 0:
        raise SpecError(f"the lowest dose, {doses[0]:g} mg/kg, leaves {100 * parts[0]:.3g} %; begin lower")
    (x0, x1), (y0, y1) = np.log(doses[k - 1 : k + 1]), parts[k - 1 : k + 1]
    return float(np.exp(x0 + (y0 - _HALF) / (y0 - y1) * (x1 - x0)))


# Levels


def _levels(results: Results, pools: Any, arm: str, phase: str) -> np.ndarray:
    """Mean concentration per subject (nM), geometric over pools."""
    variable, logs = results.summary["pools"].concentration, []
    for pool in names_of(pools):
        region, dot, transmitter = str(pool).partition(".")
        if not dot:
            raise SpecError(f"pool {pool!r} is not REGION.TRANSMITTER, e.g. NAc.DA")
        known("region", region, variable.region.values.tolist())
        known("transmitter", transmitter, variable.transmitter.values.tolist())
        with np.errstate(divide="ignore"):
            logs.append(np.log(subject_values(variable.sel(region=region, transmitter=transmitter), arm, phase)))
    return np.exp(np.mean(logs, axis=0))


@readout("%", ("pools",), is_change=True)
def concentration_change(results, pool, arm, phase=None, against=None) -> Reading:
    """Change of a pool's mean concentration (``REGION.TRANSMITTER``; of several the mean), paired over subjects."""
    now = (arm_of(results, arm), phase_of(results, phase))
    then = against_of(results, against, now[1])
    return ratio_reading(*(_levels(results, pool, *where) for where in (now, then)), f"the level of {pool}")


@readout("%", ("pools",), is_change=True)
def concentration_contrast(
    results, pool, arm, phase=None, against=None, than=None, than_arm=None, than_against=None
) -> Reading:
    """How much more a level changes than that of another pool or in other arms: ratio of the two ratios less one."""
    when = phase_of(results, phase)
    now, then = (arm_of(results, arm), when), against_of(results, against, when)
    other_now = now if than_arm is None else (arm_of(results, than_arm), when)
    other_then = then if than_against is None else against_of(results, than_against, when)
    (a, b), (c, d) = (
        [_levels(results, name, *where) for where in pair]
        for name, pair in ((pool, (now, then)), (than or pool, (other_now, other_then)))
    )
    return ratio_reading(a / b, c / d, f"the level of {pool}")


@readout("%", ("pools",))
def loss_threshold(
    results, pool, losses: Mapping[str, float], low, high, phase=None, against=None
) -> Reading:
    """Loss of cells (%) at which a level leaves low to high % of that of the reference; arms map to their losses."""
    when = phase_of(results, phase)
    then = _levels(results, pool, *against_of(results, against, when))
    order = sorted(losses, key=lambda arm: float(losses[arm]))
    x = np.array([0.0, *(float(losses[arm]) for arm in order)])
    y = [100.0, *(100.0 * np.exp(np.mean(np.log(_levels(results, pool, arm_of(results, arm), when) / then))) for arm in order)]
    return Reading.exact(leaves(x, np.array(y), float(low), float(high)))


def leaves(x: np.ndarray, y: np.ndarray, low: float, high: float) -> float:
    """Where y, linear between its points, first leaves low to high; infinite if it never does."""
    outside = np.flatnonzero((y < low) | (y > high))
    if not outside.size:
        return math.inf
    k = outside[0]
    if k == 0:
        return float(x[0])
    edge = low if y[k] < low else high
    return float(x[k - 1] + (edge - y[k - 1]) / (y[k] - y[k - 1]) * (x[k] - x[k - 1]))
