"""What a trial says was simulated (its attribute ``resolved``), as the models that a file becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from neurosim.build.plan import SLOW_STEP
from neurosim.build.stimuli import pulse_steps
from neurosim.spec import Arm, PhaseTime, Protocol, Stimulation, phase_times
from neurosim.units import INTERNAL_UNITS

__all__ = ["arm_of", "phases_of", "stretches_of", "time_text"]

_UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0))


def arm_of(resolved: Mapping[str, Any]) -> Arm:
    """The arm of a trial; its disorders are among its lesions, and what it set is in the circuit.

    Parameters
    ----------
    resolved : mapping
        Canonical JSON: quantities are pairs of dimension and number.
    """
    return Arm.model_validate(_written(resolved.get("arm", {})))


def phases_of(resolved: Mapping[str, Any]) -> tuple[PhaseTime, ...]:
    """The phases of a trial in their order."""
    return tuple(phase_times(Protocol.model_validate(_written(resolved["protocol"]))))


def stretches_of(stimulation: Stimulation, record: float) -> tuple[tuple[float, float], ...]:
    """When a stimulation is on, in a phase that is recorded for ``record`` s.

    Returns
    -------
    tuple of (start, end), s
        From the start of the recording: of every pulse, or the one stretch of random activation or of a step, on the grid
        of the simulation and within the recording. A pulse that would begin at its end is none.
    """
    is_train, first = stimulation.kind == "pulses", round(float(stimulation.start) / SLOW_STEP)
    steps = first + pulse_steps(stimulation.n, float(stimulation.rate)) if is_train else [first]
    length = math.inf if stimulation.duration is None else float(stimulation.duration)
    starts = [float(step * SLOW_STEP) for step in steps]
    return tuple((start, min(start + length, record)) for start in starts if start < record - SLOW_STEP / 2)


def _written(value: Any) -> Any:
    """Canonical JSON as a file would say it: quantities as text."""
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) == 2 and isinstance(value[0], str) and value[0] in INTERNAL_UNITS:
        if value[0] == "time":
            return time_text(float(value[1]))
        unit = "Hz" if value[0] == "rate" else INTERNAL_UNITS[value[0]]
        number = float(value[1])
        short = f"{number:.12g}"
        return f"{short if float(short) == number else repr(number)} {unit}".strip()
    return [_written(item) for item in value]


def time_text(seconds: float) -> str:
    """A time in the largest unit in which it is a short number of at least two: ``"45 min"``, ``"145 h"``."""
    for unit, size in _UNITS:
        value = seconds / size
        if value >= 2 and math.isclose(value, round(value, 2), rel_tol=1e-9):
            return f"{value:.12g} {unit}"
    return f"{seconds:.12g} s"
