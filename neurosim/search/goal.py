"""What a search makes small or large: one number per point, or none where a trial failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import Results, readout
from neurosim.analysis.readout import drawn_arms, selected
from neurosim.errors import EngineError, SpecError
from neurosim.recording import OUTCOMES_WITH_DATA
from neurosim.spec import POINT

__all__ = ["Goal", "check_goal", "goal_values"]

Goal = Callable[[Results], xr.DataArray] | tuple[str, dict[str, Any]]


def check_goal(goal: Any) -> None:
    """Refuse what is no goal before anything runs."""
    is_pair = isinstance(goal, tuple | list) and len(goal) == 2 and isinstance(goal[0], str) and isinstance(goal[1], dict)
    if not is_pair and not callable(goal):
        raise SpecError(
            f"goal={goal!r} is neither a function of the results nor a variable and what to select of it; allowed: e.g. "
            "('firing_rate', {'population': 'DRN_HT', 'arm': 'drug'})"
        )


def goal_values(results: Results, goal: Goal) -> xr.DataArray:
    """The goal at every point of a scan, mean over subjects for a named variable.

    Returns
    -------
    DataArray, dims (point)
        In memory; NaN where a trial that enters has no data, whatever the goal made of it, or the goal is not finite.

    Raises
    ------
    SpecError
        A goal that leaves other dimensions, or has others from the start.
    EngineError
        No point has data, or a value.
    """
    outcomes = _outcomes(results, goal)
    is_whole = outcomes.isin(OUTCOMES_WITH_DATA).all([dim for dim in outcomes.dims if dim != POINT])
    if not is_whole.any():
        # before the goal is asked, which would miss what only trials with data bring
        raise EngineError(f"optimise: no point of {is_whole.size} has data{_first_message(results, outcomes)}")
    values = goal(results) if callable(goal) else _named(results, *goal)
    if not isinstance(values, xr.DataArray):
        raise SpecError(f"goal: gave {type(values).__name__}; allowed: a DataArray over 'point'")
    if values.dims != (POINT,) or values.size != is_whole.size:
        sizes = ", ".join(f"{dim} ({size})" for dim, size in values.sizes.items()) or "no dimension"
        raise SpecError(
            f"goal: has {sizes}; allowed: one number per point, point ({is_whole.size}): select or average the others"
        )
    values = values.astype(float).load()
    values = values.where(is_whole.values & np.isfinite(values.values))
    if np.isnan(values.values).all():
        raise EngineError(f"optimise: the goal is not a finite number at any of {values.size} points")
    return values


def _outcomes(results: Results, goal: Goal) -> xr.DataArray:
    """Outcomes of the trials that may enter a goal: of a function all, of a variable those that are selected."""
    if callable(goal):
        return results.outcomes
    own = {dim: label for dim, label in goal[1].items() if dim in results.outcomes.dims}
    arms = own.get("arm") or drawn_arms(results)
    return selected(results.outcomes, own | {"arm": arms})


def _named(results: Results, name: str, selection: dict[str, Any]) -> xr.DataArray:
    values = readout(results, name, **selection)
    return values.mean("subject", skipna=False, keep_attrs=True) if "subject" in values.dims else values


def _first_message(results: Results, outcomes: xr.DataArray) -> str:
    lost = np.argwhere(~outcomes.isin(OUTCOMES_WITH_DATA).values)[0]
    first = outcomes[tuple(lost)]
    where = {dim: first[dim].item() for dim in results.outcomes.dims}
    lines = str(results.summary["trials"]["message"].sel(where).item()).strip().splitlines()
    return f"; {lines[-1]}" if lines else ""
