"""Propose points, run them as one experiment, look, propose again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import open_results
from neurosim.errors import EngineError, SpecError, nearest
from neurosim.runner import Listener, run_experiment
from neurosim.runner.work import output_folder
from neurosim.schedulers import cpu_count
from neurosim.search.goal import Goal, check_goal, goal_values
from neurosim.search.proposals import optimiser, propose
from neurosim.search.space import Point, Space, space_of
from neurosim.spec import Experiment, load_experiment

__all__ = ["Optimum", "optimise"]

_DIRECTIONS = ("minimize", "maximize")


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best point that was tried.

    Attributes
    ----------
    point : mapping of axis → value as text
        As ``set=`` takes it at the path of the axis.
    value : float
        Of the goal there.
    points : Dataset, dims (point)
        Every point that was tried: the axes as coordinates with their units, ``value`` of the goal, NaN where it failed.
    folder : Path
        Of the results, for :func:`neurosim.open_results`.
    """

    point: Mapping[str, str]
    value: float
    points: xr.Dataset
    folder: Path


def optimise(
    experiment: Experiment | str | Path,
    goal: Goal,
    direction: str = "minimize",
    n: int = 64,
    batch: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    output: str | Path | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 (the name of the option)
    cluster: str | None = None,
    sbatch_args: Sequence[str] = (),
    progress: Listener | None = None,
) -> Optimum:
    """Search the bounds of a scan for the point at which a goal is smallest or largest.

    The points of the experiment's own ``sample`` come first; then Optuna's tree-structured Parzen estimator proposes
    batches, until ``n`` points were tried. Every batch is an ordinary run, in which finished trials never run again.
    All that is known lies in the folder: stopped at any moment and called again, the search goes on where it was, and
    with a larger ``n`` it only adds.

    Parameters
    ----------
    experiment : Experiment, name or path
        With ``uniform`` or ``log_uniform`` axes, which are moved; other axes must be crossed. Axes of whole numbers
        cannot be drawn.
    goal : callable, or (variable, selection)
        Of the :class:`~neurosim.analysis.Results`, a DataArray over ``point``; or a variable of the summary with the labels
        that leave one number per point, the mean over subjects: ``("firing_rate", {"population": "DRN_HT"})``. Arm and
        phase are by default the one that the scan changes and the last. A point at which a trial has no data is told as
        failed, never as a number: any trial for a function, one of the selected arms for a variable.
    direction : ``minimize`` or ``maximize``
    n : int
        Points in all, failed ones included.
    batch : int, optional
        Points that are proposed together: by default two per worker; to be given with ``cluster``. The same batch
        gives the same points on every machine.
    seed : int
        Of the proposals.
    workers, output, set, cluster, sbatch_args, progress : optional
        As for :func:`neurosim.run`.

    Returns
    -------
    Optimum

    Raises
    ------
    SpecError
        No axis with bounds, a goal with other dimensions than ``point``, an argument that cannot be, Optuna missing.
    EngineError
        No point has data or a value, or a cluster gave up trials: called again, they run.

    References
    ----------
    bergstra2011 (Adv. Neural Inf. Process. Syst. 24:2546-2554)
    """
    _check(direction, n, batch, seed, cluster)
    check_goal(goal)
    optimiser()
    space = space_of(load_experiment(experiment, set=set))
    folder, together = output_folder(space.experiment, output), batch or 2 * (workers or cpu_count())
    points = space.begun(folder, n)
    while True:
        report = run_experiment(
            space.at(points), workers, folder, progress=progress, cluster=cluster, sbatch_args=sbatch_args
        )
        if report.lost:
            raise EngineError(f"{len(report.lost)} trials had no end, call again to run them; {report.lost[0][1]}")
        found = _looked_at(folder, goal)
        if len(points) >= n:
            return _best(space, points, found, direction, folder)
        more = min(together, n - len(points))
        points = [*points, *propose(space.axes, points, found["value"].values, direction, more, seed)]


def _check(direction: str, n: int, batch: int | None, seed: int, cluster: str | None) -> None:
    if direction not in _DIRECTIONS:
        raise SpecError(f"direction: {direction!r} was given; {nearest(direction, _DIRECTIONS)}")
    for name, value, least in (("n", n, 1), ("batch", 1 if batch is None else batch, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise SpecError(f"{name}: {value!r} was given; allowed: a whole number, {least} or more")
    if cluster is not None and batch is None:
        raise SpecError("batch: is not given; with cluster= say how many points go there together, e.g. batch=64")


def _looked_at(folder: Path, goal: Goal) -> xr.Dataset:
    """Axes and goal at every point of a folder."""
    with open_results(folder) as results:
        members = results.axes["point"].members
        coords = {axis.name: ("point", np.array(axis.values), {"units": axis.unit, "path": axis.path}) for axis in members}
        value = goal_values(results, goal)
    return xr.Dataset({"value": ("point", value.values, value.attrs)}, coords={"point": np.arange(value.size), **coords})


def _best(space: Space, points: list[Point], found: xr.Dataset, direction: str, folder: Path) -> Optimum:
    values = found["value"].values
    at = int(np.nanargmin(values) if direction == "minimize" else np.nanargmax(values))
    point = dict(zip((axis.name for axis in space.axes), points[at], strict=True))
    return Optimum(point, float(values[at]), found, folder)
