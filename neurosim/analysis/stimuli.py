"""When the stimuli of an arm were given, read from its results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.analysis.readout import known_name
from neurosim.analysis.resolved import arm_of, phases_of, stretches_of
from neurosim.analysis.results import Results
from neurosim.errors import ResultSchemaError
from neurosim.spec import Stimulation

__all__ = ["stimulus_onsets"]


def stimulus_onsets(
    results: Results, arm: str, phase: str, population: str | None = None, **axes: Any
) -> np.ndarray:
    """When the pulses that an arm gives a population begin, in s from the start of the phase's recording.

    Parameters
    ----------
    results : Results
    arm, phase : str
    population : str, optional
        By default all that are given pulses, together: a shock excites several kinds of cells at once.
    **axes
        Value on each scan axis, where the arm is scanned.

    Returns
    -------
    float array, shape (pulse,), s
        Rising: of several trains together, without pulses that would begin after the recording's end. A pulse is a
        step of current, so the cells answer no earlier.

    Raises
    ------
    ResultSchemaError
        An arm or phase that is not there, or that gives the population no pulses (random activation and steps of
        current have no onsets).
    """
    known_name("phase", phase, results.phases)
    resolved = _resolved(results, arm, axes)
    record = next(p.record for p in phases_of(resolved) if p.name == phase)
    given = arm_of(resolved).stimulations
    wanted = [s for s in given if s.kind == "pulses" and s.phase == phase and population in (None, s.population)]
    onsets = np.unique([start for s in wanted for start, _ in stretches_of(s, record)])
    if not onsets.size:
        raise ResultSchemaError(
            f"arm {arm!r} gives {f'{population} no' if population else 'no population'} pulses in phase {phase!r}; "
            f"{_given(given)}"
        )
    return onsets


def _resolved(results: Results, arm: str, axes: Mapping[str, Any]) -> dict[str, Any]:
    """What the arm said to the simulation, from the first trial that has data: stimuli are the same for all subjects."""
    subjects = results.subjects_with_data(arm, **axes) or results.subjects
    attributes = results.trial(arm, subjects[0], **axes).attrs
    if "resolved" not in attributes:
        raise ResultSchemaError(
            f"the trials of arm {arm!r} do not say what was simulated, so no stimuli either"
        )
    return json.loads(attributes["resolved"])


def _given(stimulations: Sequence[Stimulation]) -> str:
    def texts() -> Iterator[str]:
        for s in stimulations:
            yield f"{s.kind} to {s.population} in {s.phase}"

    return f"it gives: {', '.join(texts())}" if stimulations else "it has no stimulations"
