"""When the stimuli of an arm were given, read from its results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from neurosim.analysis.results import Results
from neurosim.build.plan import SLOW_STEP
from neurosim.build.stimuli import pulse_steps
from neurosim.errors import ResultSchemaError, nearest
from neurosim.recording import OUTCOMES_WITH_DATA

__all__ = ["stimulus_onsets"]

_NO_TIME = ["time", "0.0"]  # of phases with ``engine: none``


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
    if phase not in results.phases:
        raise ResultSchemaError(f"no phase {phase!r} in these results: {nearest(phase, results.phases)}")
    resolved = _resolved(results, arm, axes)
    record = next(
        _number(p.get("record", _NO_TIME)) for p in resolved["protocol"]["phases"] if p["name"] == phase
    )
    stimulations = resolved["arm"].get("stimulations", ())
    where = {"kind": "pulses", "phase": phase} | ({} if population is None else {"population": population})
    steps = [_steps(s) for s in stimulations if where.items() <= s.items()]
    onsets = np.unique(np.concatenate(steps)) * SLOW_STEP if steps else np.zeros(0)
    onsets = onsets[onsets < record - SLOW_STEP / 2]
    if not onsets.size:
        raise ResultSchemaError(
            f"arm {arm!r} gives {f'{population} no' if population else 'no population'} pulses in phase {phase!r}; "
            f"{_given(stimulations)}"
        )
    return onsets


def _resolved(results: Results, arm: str, axes: Mapping[str, Any]) -> dict[str, Any]:
    """What the arm said to the simulation, from the first trial that has data: stimuli are the same for all subjects."""
    subjects = results.subjects
    if arm in results.arms:
        outcomes = results.outcomes.sel(arm=arm).values.reshape(len(subjects), -1)
        has_data = np.isin(outcomes, OUTCOMES_WITH_DATA).all(axis=1)
        subjects = [s for s, has in zip(subjects, has_data, strict=True) if has] or subjects
    attributes = results.trial(arm, subjects[0], **axes).attrs
    if "resolved" not in attributes:
        raise ResultSchemaError(
            f"the trials of arm {arm!r} do not say what was simulated, so no stimuli either"
        )
    return json.loads(attributes["resolved"])


def _steps(train: Mapping[str, Any]) -> np.ndarray:
    """Slow steps from the start of the recording at which the pulses of a train begin."""
    return round(_number(train["start"]) / SLOW_STEP) + pulse_steps(train["n"], _number(train["rate"]))


def _number(quantity: list) -> float:
    """A quantity of canonical JSON, dimension and text, in SI units."""
    return float(quantity[1])


def _given(stimulations) -> str:
    def texts() -> Iterator[str]:
        for s in stimulations:
            yield f"{s['kind']} to {s['population']} in {s['phase']}"

    return f"it gives: {', '.join(texts())}" if stimulations else "it has no stimulations"
