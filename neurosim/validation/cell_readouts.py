"""Readouts of single cells: who is inhibited or excited by pulses or a drug, when and for how long.

``population`` is one or several; windows are [start, stop] in ms after a pulse, ``before`` is the control before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import Results, spike_trains
from neurosim.analysis.responses import Course, Responses, course, drug_responses, pulse_responses
from neurosim.analysis.stimuli import stimulus_onsets
from neurosim.errors import SpecError
from neurosim.recording import SpikeTrains
from neurosim.validation.common import (
    against_of,
    arms_of,
    fold_of,
    in_per_cent,
    known,
    mean_over,
    names_of,
    per_pair,
    per_subject,
    phase_of,
)
from neurosim.validation.registry import Reading, readout

__all__ = ["trains_of"]

_RATES = ("rates",)
_SIGNS = {"inhibited": -1, "excited": +1}
_OF = ("active", "responding")
_MS = 1e-3


def trains_of(trial: xr.DataTree, populations: Any, phase: str) -> SpikeTrains:
    """Spike trains of the cells of one or several populations, one after the other."""
    there = trial["rates"].population.values.tolist()
    parts = [spike_trains(trial, phase, known("population", name, there)) for name in names_of(populations)]
    return SpikeTrains(
        np.concatenate([p.step for p in parts]),
        np.concatenate([p.row_size for p in parts]),
        parts[0].dt,
        parts[0].duration,
    )


def _seconds(window: Sequence[float]) -> tuple[float, float]:
    if len(window) != 2:
        raise SpecError(f"{window!r} is not a window: give its start and stop in ms, e.g. [5, 205]")
    return float(window[0]) * _MS, float(window[1]) * _MS


def _place(results: Results, arm: Any, phase: str | None) -> tuple[str, str]:
    (name,) = arms_of(results, [arm])
    return name, phase_of(results, phase)


Answers = Callable[[xr.DataTree], Responses]


def _to_pulses(results, population, place, window, before, onsets_of=None) -> Answers:
    """What the cells of a trial do after pulses, which may be those of another arm and were not given here."""
    arm, phase = place
    onsets, seconds = stimulus_onsets(results, onsets_of or arm, phase), _seconds(window)
    return lambda trial: pulse_responses(
        trains_of(trial, population, phase), onsets, seconds, float(before) * _MS
    )


def _part(responses: Responses, which: np.ndarray, of: str) -> float:
    """Per cent of the cells that fired, or of those that answered at all."""
    found = responses.share(which)
    if known("of", of, _OF) == "responding":
        answered = responses.share(responses.is_inhibited | responses.is_excited)
        found = found / answered if answered else np.nan
    return 100.0 * found


def _beyond(sign: str) -> Callable[[Responses], np.ndarray]:
    return lambda responses: responses.is_inhibited if _SIGNS[sign] < 0 else responses.is_excited


def _beyond(sign: str) -> Callable[[Responses], np.ndarray]:
    known("answer", sign, _SIGNS)
    return lambda responses: responses.is_inhibited if _SIGNS[sign] < 0 else responses.is_excited


def _any(responses: Responses) -> np.ndarray:
    return responses.is_inhibited | responses.is_excited


def _share(results, population, arm, window, phase, before, of, which, onsets_of=None) -> Reading:
    place = _place(results, arm, phase)
    answers = _to_pulses(results, population, place, window, before, onsets_of)

    def part(trial: xr.DataTree) -> float:
        responses = answers(trial)
        return _part(responses, which(responses), of)

    return mean_over(per_subject(results, place[0], part))


def _share_by_drug(results, population, arm, against, phase, of, which) -> Reading:
    now = _place(results, arm, phase)
    then = against_of(results, against, now[1])

    def part(*trials: xr.DataTree) -> float:
        pair = zip(trials, (then, now), strict=True)
        responses = drug_responses(*(trains_of(trial, population, where[1]) for trial, where in pair))
        return _part(responses, which(responses), of)

    return mean_over(per_pair(results, (then[0], now[0]), part))


@readout("%", _RATES)
def share_inhibited(results, population, arm, window, phase=None, before=300, of="active") -> Reading:
    """Part of the cells that are inhibited in a window (ms) after the pulses of an arm."""
    return _share(results, population, arm, window, phase, before, of, _beyond("inhibited"))


@readout("%", _RATES)
def share_excited(results, population, arm, window, phase=None, before=300, of="active") -> Reading:
    """Part of the cells that are excited in a window (ms) after the pulses of an arm."""
    return _share(results, population, arm, window, phase, before, of, _beyond("excited"))


@readout("%", _RATES)
def share_biphasic(results, population, arm, first, early, late, phase=None, before=300) -> Reading:
    """Part of the cells that answer one way in an early window (ms) and the other way in a late one."""
    one = _beyond(first)
    other = _beyond("excited" if first == "inhibited" else "inhibited")
    place = _place(results, arm, phase)
    soon, later = (_to_pulses(results, population, place, window, before) for window in (early, late))

    def part(trial: xr.DataTree) -> float:
        a, b = soon(trial), later(trial)
        return _part(a, one(a) & other(b), "active")

    return mean_over(per_subject(results, place[0], part))


@readout("%", _RATES)
def share_inhibited_by_drug(results, population, arm, against, phase=None, of="active") -> Reading:
    """Part of the cells that fire less in an arm and phase than in another recording, at least 60 s each."""
    return _share_by_drug(results, population, arm, against, phase, of, _beyond("inhibited"))


@readout("%", _RATES)
def share_excited_by_drug(results, population, arm, against, phase=None, of="active") -> Reading:
    """Part of the cells that fire more in an arm and phase than in another recording, at least 60 s each."""
    return _share_by_drug(results, population, arm, against, phase, of, _beyond("excited"))


@readout("%", _RATES)
def share_by_chance(
    results, population, arm, phase=None, onsets_of=None, window=None, before=300, against=None
) -> Reading:
    """Part of the cells that seem to answer where nothing was given: the false positives of the shares.

    ``onsets_of`` and ``window`` for pulses that another arm was given, ``against`` for a drug.
    """
    if (onsets_of is None) != (window is None) or (onsets_of is None) == (against is None):
        raise SpecError("share_by_chance: give either onsets_of and window, or against")
    if against is not None:
        return _share_by_drug(results, population, arm, against, phase, "active", _any)
    (given,) = arms_of(results, [onsets_of])
    return _share(results, population, arm, window, phase, before, "active", _any, given)


@readout("%", _RATES, is_change=True)
def pulse_change(results, population, arm, window, phase=None, before=300) -> Reading:
    """Change of the rate of the cells that fire in a window (ms) after the pulses of an arm, against that before them."""
    place = _place(results, arm, phase)
    answers = _to_pulses(results, population, place, window, before)

    def mean_rate(side: str) -> xr.DataArray:
        def measure(trial: xr.DataTree) -> float:
            responses = answers(trial)
            return getattr(responses, side)[responses.is_active].mean()

        return per_subject(results, place[0], measure)

    return in_per_cent(fold_of(mean_rate("after"), mean_rate("before"), f"{population} after the pulses"))


def _course(results, population, arm, sign, window, search, phase, before, of: str) -> Reading:
    """Latency or duration of the cells of each subject that answer in ``window``, looked for in ``search``."""
    place, chosen = _place(results, arm, phase), _beyond(sign)
    answers = _to_pulses(results, population, place, window, before)
    onsets, within = stimulus_onsets(results, *place), _seconds(search)

    def measure(trial: xr.DataTree) -> float:
        cells = np.flatnonzero(chosen(answers(trial)))
        if not cells.size:
            return np.nan
        own = _only(trains_of(trial, population, place[1]), cells)
        found: Course = course(own, onsets, _SIGNS[sign], within, float(before) * _MS)
        return getattr(found, of) / _MS

    found = per_subject(results, place[0], measure)
    if not np.isfinite(found.values).any():  # nobody answers: for no time, at no time
        return Reading.exact(0.0 if of == "duration" else np.inf)
    return mean_over(found)


def _only(spikes: SpikeTrains, cells: np.ndarray) -> SpikeTrains:
    kept = np.isin(spikes.cell, cells)
    return SpikeTrains(spikes.step[kept], spikes.row_size[cells], spikes.dt, spikes.duration)


@readout("ms", _RATES)
def response_duration(results, population, arm, sign, window, search, phase=None, before=300) -> Reading:
    """How long the cells that answer in a window (ms) do so, at half depth, within the time searched."""
    return _course(results, population, arm, sign, window, search, phase, before, "duration")


@readout("ms", _RATES)
def response_latency(results, population, arm, sign, window, search, phase=None, before=300) -> Reading:
    """When the cells that answer in a window (ms) begin to do so, at half depth, within the time searched."""
    return _course(results, population, arm, sign, window, search, phase, before, "latency")
