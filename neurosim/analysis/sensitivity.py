"""Which axes of a drawn scan a readout hangs on: variance-based indices and elementary effects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurosim.analysis.compare import CONFIDENCE
from neurosim.analysis.readout import POINT, readout, selected
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.recording import OUTCOMES_WITH_DATA

if TYPE_CHECKING:
    from neurosim.analysis.results import Results

__all__ = ["axis_ends", "sensitivity"]

_RESAMPLES = 400
#: What SALib gives of a design; ``_conf`` is the half-width of an interval.
_GIVEN = {"saltelli": ("S1", "S1_conf", "ST", "ST_conf"), "morris": ("mu", "mu_star", "mu_star_conf", "sigma")}
#: Points of a base sample or trajectory beyond one per axis.
_MORE_POINTS = {"saltelli": 2, "morris": 1}
#: Base samples below which the spread of resamples tells nothing of the error.
_FEWEST_BASE = 8
#: A readout that varies by less of its size is constant but for rounding.
_ROUNDING = 1e-12
_LONG_NAMES = {
    "S1": "part of the variance that the axis explains alone",
    "ST": "part of the variance that the axis has a share in",
    "mu": "mean elementary effect, over the whole range of the axis",
    "mu_star": "mean size of the elementary effects, over the whole range of the axis",
    "sigma": "standard deviation of the elementary effects: curvature and interaction",
}


def sensitivity(
    results: Results,
    values: str | xr.DataArray,
    arm: str | None = None,
    phase: str | None = None,
    seed: int = 0,
    **selection: Any,
) -> xr.Dataset:
    """How much each drawn axis of a scan matters for a readout.

    Parameters
    ----------
    results : Results
        Of a scan with ``sample: {method: saltelli, n: ...}`` (variance-based) or ``morris`` (elementary effects).
    values : str or DataArray
        Name of a variable of the summary (``firing_rate``, ``pools/concentration``), or values with a dimension
        ``point`` in its order, such as a difference between two arms.
    arm, phase : str, optional
        Of a name: by default the arm that the scan changes (all of them, if several) and the last phase.
    seed : int
        Of the resamples behind the intervals.
    **selection
        Dimension → label: ``population="DRN_HT"``.

    Returns
    -------
    Dataset, dims (axis, ...)
        ``saltelli``: ``S1``, the part of the variance that the axis explains alone, and ``ST``, the part that it has any
        share in, both dimensionless. ``morris``: ``mu``, ``mu_star`` and ``sigma``, mean, mean size and standard
        deviation of the effect of going the whole range of an axis, in the unit of the readout. ``S1 ST mu_star`` have
        95 % intervals ``*_low`` and ``*_high``. All are SALib's estimates; intervals are normal ones, with the standard
        deviation of 400 resamples of the base samples or trajectories, so that an index of 0 or 1 may lie beyond. The
        readout is the mean over subjects; every other dimension of it (populations, crossed axes) is kept. On a
        logarithmic axis the range is that of the logarithm. NaN where the readout is constant or nowhere defined.
        Attributes: ``method``, ``n``, ``n_points``, ``confidence``, ``readout``, ``units``.

    Raises
    ------
    ResultSchemaError
        A scan without such a design, fewer than 8 base samples, an axis in ``point`` that was not drawn, a trial without
        data or a value that is not finite at some point (one lost point spoils every index), a name that the results do
        not have.
    SpecError
        SALib is not installed.

    References
    ----------
    saltelli2010 (Comput. Phys. Commun. 181:259-270); morris1991 (Technometrics 33:161-174); campolongo2007
    (Environ. Model. Softw. 22:1509-1518)
    """
    design = _design(results)
    if isinstance(values, str):
        chosen = readout(results, values, arm, phase, **selection)
        _refuse_missing(results, chosen)
    else:
        wanted = {"arm": arm, "phase": phase}
        chosen = selected(_array(values, results), {k: v for k, v in wanted.items() if v is not None} | selection)
    Y = _means(results, chosen)
    rest = Y.dims[1:]
    found = _indices(design, Y.values.reshape(Y.sizes[POINT], -1).astype(float), seed)
    shape = (len(design.axes), *Y.shape[1:])
    dataset = xr.Dataset(
        {name: (("axis", *rest), part.reshape(shape), _said(name, Y)) for name, part in found.items()},
        coords=_coords(design, Y),
    )
    own = {"method": design.method, "n": design.n, "n_points": Y.sizes[POINT], "confidence": CONFIDENCE}
    return dataset.assign_attrs(own, readout=str(Y.name or "values"), units=Y.attrs.get("units", ""))


@dataclass(frozen=True, eq=False)
class _Design:
    """How the points of a scan were drawn.

    ``X`` are the points in the unit cube, shape (point, axis).
    """

    method: str
    n: int
    axes: tuple[str, ...]
    paths: tuple[str, ...]
    X: np.ndarray


def _design(results: Results) -> _Design:
    said = json.loads(results.attributes.get("resolved", "{}"))
    sample, scan = said.get("sample") or {}, said.get("scan") or {}
    method = sample.get("method")
    if method not in ("saltelli", "morris"):
        drawn = f"were drawn with {method}" if method else "were not drawn"
        raise ResultSchemaError(
            f"{results.folder}: sensitivity needs a scan with sample: {{method: saltelli, n: 256}} (variance-based) or "
            f"{{method: morris, n: 20}} (elementary effects); the points of this one {drawn}"
        )
    members = results.axes[POINT].members
    bounds = {axis.name: scan[axis.name].get("uniform") or scan[axis.name].get("log_uniform") for axis in members}
    stray = [name for name, ends in bounds.items() if ends is None]
    if stray:
        raise ResultSchemaError(
            f"{results.folder}: the axis {stray[0]!r} goes along the drawn points without being drawn, so that its effect "
            "would be taken for theirs; draw it too (uniform, log_uniform), or cross it (without zip)"
        )
    # rounded: to SALib an axis has moved when its number has changed at all
    X = [_parts(axis.values, bounds[axis.name], "log_uniform" in scan[axis.name]) for axis in members]
    names, paths = zip(*((axis.name, axis.path) for axis in members), strict=True)
    design = _Design(method, sample["n"], names, paths, np.stack(X, axis=1).round(6))
    _refuse_no_design(results, design)
    return design


def _refuse_no_design(results: Results, design: _Design) -> None:
    """Refuse points of which SALib would tell indices that are none."""
    n_points, n_axes = design.X.shape
    more, n = _MORE_POINTS[design.method], design.n
    if n_points != n * (n_axes + more):
        raise ResultSchemaError(
            f"{results.folder}: {n_points} points are no {design.method} design of {n_axes} axes with n: {n}: "
            f"{n} × {n_axes + more} are"
        )
    if design.method == "saltelli":
        if n < _FEWEST_BASE:
            raise ResultSchemaError(
                f"{results.folder}: {n} base samples tell no index; at least {_FEWEST_BASE}, better 256, are needed "
                "(sample.n)"
            )
        return
    is_moved = np.diff(design.X.reshape(n, n_axes + 1, n_axes), axis=1) != 0
    if not ((is_moved.sum(axis=1) == 1).all() and (is_moved.sum(axis=2) == 1).all()):
        raise ResultSchemaError(
            f"{results.folder}: the points are no morris design: more or less than one axis moves from one to the next"
        )


def axis_ends(first: str, last: str) -> tuple[float, float, str]:
    """Two ends of an axis as numbers in the unit of the first, and that unit; both are known to go together.

    Parameters
    ----------
    first, last : str
        Quantities, numbers or multiples (``0.5x``).

    Returns
    -------
    low, high : float
    unit : str

    Examples
    --------
    >>> axis_ends("5 nM", "1 uM")
    (5.0, 1000.0, 'nM')
    """
    from neurosim import units  # reading results must not load what describes experiments

    low, unit = units.split(first)
    high, own = units.split(last)
    return float(low), float(high) if own == unit else units.parse(last, units.dimension_of(unit)).to(unit), unit


def _parts(values: tuple, ends: tuple[str, str], is_log: bool) -> np.ndarray:
    """Where values lie between the ends of their axis, 0 to 1."""
    low, high, _ = axis_ends(*ends)
    numbers = np.array(values, float)
    if is_log:
        low, high, numbers = np.log(low), np.log(high), np.log(numbers)
    return (numbers - low) / (high - low)


def _array(values: Any, results: Results) -> xr.DataArray:
    """Values that a user gave, if they are over the points of the scan."""
    n = len(results.axes[POINT].values)
    if not isinstance(values, xr.DataArray) or POINT not in values.dims:
        raise ResultSchemaError(
            "sensitivity: give the name of a variable of the summary, or a DataArray with the dimension 'point'; given "
            f"{type(values).__name__}" + (f" over {', '.join(map(str, values.dims))}" if hasattr(values, "dims") else "")
        )
    if values.sizes[POINT] != n or not (values[POINT].values == np.arange(n)).all():
        raise ResultSchemaError(
            f"sensitivity: {values.sizes[POINT]} points are given, not the {n} of the scan in their order; a design is "
            "whole or tells nothing"
        )
    return values


def _refuse_missing(results: Results, values: xr.DataArray) -> None:
    """Refuse trials without data, of those that the values are of."""
    own = {dim: values[dim].values.tolist() for dim in results.outcomes.dims if dim != POINT}
    outcomes = selected(results.outcomes, own)
    lost = np.argwhere(~outcomes.isin(OUTCOMES_WITH_DATA).values)
    if not lost.size:
        return
    first = outcomes[tuple(lost[0])]
    raise ResultSchemaError(
        f"{results.folder}: {len(lost)} of {outcomes.size} trials have no data, the first ({first.item()}) of arm "
        f"{first.arm.item()!r}, subject {first.subject.item()} at {_point_words(results, first)}; indices need every point: "
        "run the experiment again (--retry-failed for those that failed), or narrow the bounds where they fail"
    )


def _point_words(results: Results, cell: xr.DataArray) -> str:
    """Number and axes of the point of one value."""
    number = int(cell[POINT])
    axes = ", ".join(axis.text(number) for axis in results.axes[POINT].members)
    return f"point {number} ({axes})"


def _means(results: Results, values: xr.DataArray) -> xr.DataArray:
    """Means over subjects, ``point`` first; a value that is missing at some points only is refused."""
    values = values.load()
    if "axis" in values.dims:
        raise ResultSchemaError("sensitivity: the dimension 'axis' of the readout is taken; rename that axis of the scan")
    over = [dim for dim in (POINT, "subject") if dim in values.dims]
    is_lost = ~np.isfinite(values)
    is_nowhere = is_lost.all(over)
    lost = np.argwhere((is_lost & ~is_nowhere).transpose(*values.dims).values)
    if bool(is_nowhere.all()):
        raise ResultSchemaError(f"{results.folder}: {values.name or 'the readout'} is NaN at every point")
    if len(lost):
        first = values[tuple(lost[0])]
        where = [f"{dim} {first[dim].item()}" for dim in values.dims if dim != POINT and dim in first.coords]
        raise ResultSchemaError(
            f"{results.folder}: {len(lost)} of {values.size} values of {values.name or 'the readout'} are not finite, the "
            f"first at {_point_words(results, first)}{''.join(f', {words}' for words in where)}; indices need every point: "
            "choose a readout that is defined at all of them, or narrow the bounds"
        )
    means = values.mean("subject", skipna=False, keep_attrs=True) if "subject" in values.dims else values
    return means.transpose(POINT, ...)


def _said(name: str, Y: xr.DataArray) -> dict[str, str]:
    """Attributes of one index."""
    stem = name.removesuffix("_low").removesuffix("_high")
    end = "" if stem == name else f", {'lower' if name.endswith('_low') else 'upper'} end of the 95 % interval"
    return {"units": "1" if stem in ("S1", "ST") else Y.attrs.get("units", ""), "long_name": _LONG_NAMES[stem] + end}


def _coords(design: _Design, Y: xr.DataArray) -> dict[str, Any]:
    kept = {name: c for name, c in Y.coords.items() if POINT not in c.dims}
    return {"axis": list(design.axes), "axis_path": ("axis", list(design.paths)), **kept}


def _indices(design: _Design, Y: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """SALib's indices of each column of Y, shape (axis, column); NaN where it varies too little to tell one."""
    analysed = _analysis(design, seed)
    given = {key: np.full((len(design.axes), Y.shape[1]), np.nan) for key in _GIVEN[design.method]}
    for k in np.flatnonzero(_is_varied(design, Y)):
        of_column = analysed(Y[:, k])
        for key, values in given.items():
            values[:, k] = of_column[key]
    found = {}
    for key, values in given.items():
        name = key.removesuffix("_conf")
        ends = {f"{name}_low": given[name] - values, f"{name}_high": given[name] + values}
        found |= {name: values} if name == key else ends
    return found


def _analysis(design: _Design, seed: int) -> Callable[[np.ndarray], dict[str, Any]]:
    """SALib's analysis of one readout, shape (point,)."""
    try:
        from SALib.analyze import morris, sobol
    except ImportError:
        raise SpecError(
            "sensitivity needs the package SALib, which is not installed: install neurosim with its extra 'explore'"
        ) from None
    n_axes = len(design.axes)
    problem = {"num_vars": n_axes, "names": [f"x{k}" for k in range(n_axes)], "bounds": [[0.0, 1.0]] * n_axes}
    # the seed 0 would be none: SALib then draws from NumPy's global generator
    settings = {"num_resamples": _RESAMPLES, "conf_level": CONFIDENCE, "seed": abs(int(seed)) + 1}
    if design.method == "morris":
        return lambda y: morris.analyze(problem, design.X, y, scaled=False, num_levels=4, **settings)
    return lambda y: sobol.analyze(problem, y, calc_second_order=False, **settings)


def _is_varied(design: _Design, Y: np.ndarray) -> np.ndarray:
    """Which columns have a variance to share out: of the others SALib says 0, which would hide that nothing is known."""
    if design.method == "saltelli":  # the variance is that of the base samples, first and last of their points
        Y = Y.reshape(design.n, -1, Y.shape[1])[:, [0, -1]].reshape(2 * design.n, -1)
    return np.ptp(Y, axis=0) > _ROUNDING * np.abs(Y).max(axis=0)
