"""Rows of a stimulus: pulses to a part of some populations, and which cells of another they inhibit, when, for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.analysis.responses import course, pulse_responses
from neurosim.recording import PhaseResult, SpikeTrains
from neurosim.spec import GainRow, RowStimulus
from neurosim.spec._calibration import CONTROL

__all__ = ["pulse_arm", "recording_time", "stimulus_value"]

#: Before the first pulse: its control is as long as that of the others (s).
_LEAD = 0.5
#: An inhibition that nobody shows is the shortest that the histogram tells (s), so that a fit can leave it.
_SHORTEST = 0.002


def pulse_arm(stimulus: RowStimulus, settings: Mapping[str, str]) -> dict[str, Any]:
    """The arm of an experiment that gives the pulses."""
    pulses = {
        "kind": "pulses",
        "n": stimulus.n,
        "rate": stimulus.rate.text,
        "fraction": stimulus.fraction.text,
        "start": f"{_LEAD} s",
    }
    return {
        "set": dict(settings),
        "stimulations": [{"population": name, **pulses} for name in stimulus.populations],
    }


def onsets(stimulus: RowStimulus) -> np.ndarray:
    """When the pulses begin, s from the start of the recording."""
    return _LEAD + np.arange(stimulus.n) / float(stimulus.rate)


def recording_time(stimulus: RowStimulus) -> str:
    """How long a recording holds every pulse with what follows it."""
    return f"{_LEAD + stimulus.n / float(stimulus.rate):.6g} s"


def stimulus_value(row: GainRow, phases: Sequence[PhaseResult]) -> np.ndarray:
    """What the row's instrument reads in each subject: a part of the active cells, or s."""
    return np.array([_value(row, phase.population(row.population)[0]) for phase in phases])


def _value(row: GainRow, spikes: SpikeTrains) -> float:
    window = tuple(float(edge) for edge in row.window)
    at = onsets(row.stimulus)
    found = pulse_responses(spikes, at, window, CONTROL)
    if row.instrument == "excited":
        return found.share(found.is_excited)
    if row.instrument == "inhibited":
        return found.share(found.is_inhibited)
    if not found.is_inhibited.any():
        return window[1] if row.instrument == "latency" else _SHORTEST
    inhibited = course(_only(spikes, found.is_inhibited), at, -1, window, CONTROL)
    if row.instrument == "latency":
        return float(np.nan_to_num(inhibited.latency, nan=window[1]))
    return float(np.nan_to_num(inhibited.duration, nan=_SHORTEST))


def _only(spikes: SpikeTrains, which: np.ndarray) -> SpikeTrains:
    """The trains of some of the cells."""
    return SpikeTrains(spikes.step[which[spikes.cell]], spikes.row_size[which], spikes.dt, spikes.duration)
