"""Results as tidy tables of pandas: one row per observation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurosim.analysis.readout import group_of, selected, variable_of
from neurosim.errors import ResultSchemaError
from neurosim.recording import VARIABLES

if TYPE_CHECKING:
    from neurosim.analysis.results import Results

__all__ = ["frame_of_comparison", "frame_of_results"]

#: Statistics of a comparison that are in the unit of the variable.
_IN_UNIT = ("difference", "low", "high")


def frame_of_results(results: Results, name: str | Sequence[str], **labels: Any) -> pd.DataFrame:
    """Variables of the summary as a table.

    Parameters
    ----------
    results : Results
    name : str or sequence of str
        A variable, a group (``"rates"``: all that is in it), or some variables of the same dimensions.
    **labels
        As :func:`~neurosim.analysis.select`.

    Returns
    -------
    DataFrame
        One row for each trial, phase and entry (population, site ...), in the order of the results. Columns: arm, subject,
        scan axes, phase, entry and what is said of it, then the variables. ``df.attrs["units"]`` has the unit of every
        column that has one. Names are categories in the order of the results, which tables and figures keep. A trial that
        a scan axis does not touch ran once: it has one row, with nothing (NaN) on that axis. An outcome without data
        leaves NaN.

    Raises
    ------
    ResultSchemaError
        Names or labels that the results do not have; variables whose dimensions differ.
    """
    found = _named(results.summary, name)
    dims = found[0].dims
    dataset = xr.Dataset({values.name: selected(values, labels) for values in found}).load()
    arms = _names_on(dataset, "arm")
    kept, nowhere = np.ones(tuple(dataset.sizes[d] for d in dims if d in dataset.dims), bool), {}
    for axis in (a for a in results.axes if a in dims):
        untouched = ~_is_touched(results, arms, axis, found)
        nowhere[axis] = _along(dataset, dims, "arm", untouched)
        if axis in dataset.dims:
            kept &= ~nowhere[axis] | _along(dataset, dims, axis, np.arange(dataset.sizes[axis]) == 0)
    return _table(dataset, dims, kept, nowhere)


def frame_of_comparison(tree: xr.DataTree, name: str | Sequence[str], **labels: Any) -> pd.DataFrame:
    """What :func:`~neurosim.analysis.compare` gave of some variables as a table.

    Parameters
    ----------
    tree : DataTree
    name : str or sequence of str
        A variable, a group, or some variables of the same dimensions.
    **labels
        As :func:`~neurosim.analysis.select`.

    Returns
    -------
    DataFrame
        One row for each variable, scan point and entry. Columns: ``variable``, ``units``, scan axes, entry and what is said
        of it, then ``difference low high`` in ``units``, ``ratio ratio_low ratio_high n`` and perhaps ``p``, which have
        none. ``df.attrs``: ``units`` of the scan axes, and what was compared as ``a``, ``b``, ``confidence``.

    Raises
    ------
    ResultSchemaError
        Names or labels that are not there; variables whose dimensions differ; a tree that is no comparison.
    """
    frames, units = [], {}
    found = _named(tree, name)
    for values in found:
        if "statistic" not in values.dims:
            raise ResultSchemaError("a table of a comparison needs what results.compare(a, b) gives")
        dims = tuple(d for d in values.dims if d != "statistic")
        dataset = selected(values, labels).load().to_dataset("statistic")
        frame = _table(dataset, dims, np.ones(tuple(dataset.sizes[d] for d in dims if d in dataset.dims), bool), {})
        frame.insert(0, "units", values.attrs.get("units", ""))
        frame.insert(0, "variable", values.name)
        units |= {c: u for c, u in frame.attrs["units"].items() if c in dims}
        frames.append(frame)
    joined = pd.concat(frames, ignore_index=True)
    joined["variable"] = pd.Categorical(joined["variable"], [values.name for values in found])
    joined.attrs = {"units": units, **tree.attrs}
    return joined


def _named(tree: xr.DataTree, name: str | Sequence[str]) -> list[xr.DataArray]:
    """The variables that a name or some names stand for, which have the same dimensions."""
    if isinstance(name, str) and name in tree.children and name not in tree[name].data_vars:
        found = list(group_of(tree, name).data_vars.values())
    elif isinstance(name, str):
        found = [variable_of(tree, name)]
    else:
        found = [variable_of(tree, own) for own in name]
    if not found:
        raise ResultSchemaError("no variable is named, so there is nothing to make a table of")
    kinds: dict[tuple, list[str]] = {}
    for values in found:
        kinds.setdefault(values.dims, []).append(str(values.name))
    if len(kinds) > 1:
        last = {dims: " × ".join(map(str, dims)) for dims in kinds}
        words = "; ".join(f"{', '.join(names)} over {last[dims]}" for dims, names in kinds.items())
        raise ResultSchemaError(f"these have different dimensions, so no common rows: {words}; name some of one kind")
    return found


def _names_on(dataset: xr.Dataset, dim: str) -> list:
    return np.atleast_1d(dataset[dim].values).tolist()


def _is_touched(results: Results, arms: Sequence[str], axis: str, variables: Sequence[xr.DataArray]) -> np.ndarray:
    """Whether an axis changes the trials of each arm, or the reference of a balance; bool array, shape (arm,)."""
    keys = results.keys
    if keys.sizes[axis] == 1:
        return np.ones(len(arms), bool)
    changes = (keys != keys.isel({axis: 0})).any([d for d in keys.dims if d != "arm"])
    is_balance = any(values.name in VARIABLES["balance"] for values in variables)
    return changes.sel(arm=list(arms)).values | (is_balance and bool(changes.sel(arm=results.reference[0])))


def _along(dataset: xr.Dataset, dims: Sequence[str], dim: str, values: np.ndarray) -> np.ndarray:
    """Values along one dimension in a shape that spreads over all."""
    left = [d for d in dims if d in dataset.dims]
    return values.reshape([-1 if d == dim else 1 for d in left])


def _table(dataset: xr.Dataset, dims: Sequence[str], kept: np.ndarray, nowhere: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rows of the cells that are kept; of an axis, nothing where it is ``nowhere``."""
    left, columns, units = [d for d in dims if d in dataset.dims], {}, {}
    rows = np.flatnonzero(kept)
    places = dict(zip(left, np.unravel_index(rows, kept.shape), strict=True)) if left else {}
    for dim in (d for d in dims if d in dataset.coords):
        said = [dim, *(n for n, c in dataset.coords.items() if c.dims == (dim,) and n != dim)]
        missing = np.broadcast_to(nowhere[dim], kept.shape).ravel()[rows] if dim in nowhere else None
        for name in said:
            columns[name] = _column(dataset[name], places.get(dim, np.zeros(rows.size, int)), missing)
            units[name] = dataset[name].attrs.get("unit", "")
    for name, values in dataset.data_vars.items():
        columns[name] = values.transpose(*left).values.ravel()[rows]
        units[name] = values.attrs.get("units", "")
    frame = pd.DataFrame(columns)
    frame.attrs["units"] = {str(name): str(unit) for name, unit in units.items() if unit}
    return frame


def _column(coordinate: xr.DataArray, places: np.ndarray, missing: np.ndarray | None) -> Any:
    """Entries of a coordinate at places: texts as categories in their order, numbers as numbers."""
    values = np.atleast_1d(coordinate.values)
    if values.dtype.kind in "iuf":
        taken = values[places]
        return np.where(missing, np.nan, taken) if missing is not None and missing.any() else taken
    categories = list(dict.fromkeys(values.tolist()))
    codes = np.array([categories.index(v) for v in values.tolist()])[places]
    return pd.Categorical.from_codes(codes if missing is None else np.where(missing, -1, codes), categories)
