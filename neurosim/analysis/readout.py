"""One variable of the summary by name, with what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurosim.errors import ResultSchemaError, nearest

if TYPE_CHECKING:
    from neurosim.analysis.results import Results

__all__ = ["POINT", "drawn_arms", "readout", "selected"]

#: Dimension along which drawn axes go.
POINT = "point"


def readout(results: Results, name: str, arm: str | None = None, phase: str | None = None, **selection: Any) -> xr.DataArray:
    """A variable of the summary over subject, ``point`` and whatever is not selected.

    Parameters
    ----------
    results : Results
    name : str
        ``firing_rate``; with its group where two groups have one of that name: ``pools/concentration``.
    arm : str, optional
        By default the arm that the scan changes; all such arms, as a dimension, if there are several.
    phase : str, optional
        The last by default.
    **selection
        Dimension → label, which leaves the dimension out, or a list of labels.

    Raises
    ------
    ResultSchemaError
        A variable, dimension or label that the results do not have.
    """
    values = _variable(results, name)
    wanted = {"arm": arm or drawn_arms(results), "phase": phase or results.phases[-1]}
    return selected(values, {k: v for k, v in wanted.items() if k in values.dims} | selection)


def drawn_arms(results: Results) -> str | list[str]:
    """The arm that the scan changes, or the list of them.

    Raises
    ------
    ResultSchemaError
        There is none.
    """
    found = [arm for arm in results.arms if results.is_scanned(arm) or np.prod(results.scan_shape) == 1]
    if not found:
        axes = ", ".join(results.axes) or "none"
        raise ResultSchemaError(f"{results.folder}: the scan changes no arm; its axes are {axes}")
    return found[0] if len(found) == 1 else found


def selected(values: xr.DataArray, selection: Mapping[str, Any]) -> xr.DataArray:
    """Values at labels, texts exactly and numbers to rounding.

    Raises
    ------
    ResultSchemaError
        A dimension or label that the values do not have.
    """
    for dim, label in selection.items():
        if dim not in values.dims:
            raise ResultSchemaError(f"{values.name or 'values'} has no dimension {dim!r}: {nearest(dim, values.dims)}")
        is_list = isinstance(label, list | tuple | np.ndarray)
        places = [_place(values, dim, own) for own in (label if is_list else [label])]
        values = values.isel({dim: places if is_list else places[0]})
    return values


def _place(values: xr.DataArray, dim: str, label: Any) -> int:
    labels = values[dim].values.tolist()
    for place, own in enumerate(labels):
        if own == label:
            return place
        if not isinstance(own, str) and isinstance(label, int | float) and np.isclose(own, label):
            return place
    raise ResultSchemaError(f"no {dim} {label!r} in these results: {nearest(label, labels)}")


def _variable(results: Results, name: str) -> xr.DataArray:
    group, _, variable = str(name).rpartition("/")
    groups = {g: child.to_dataset() for g, child in results.summary.children.items() if g != "trials"}
    if group:
        if group not in groups:
            raise ResultSchemaError(f"no group {group!r} in these results: {nearest(group, groups)}")
        groups = {group: groups[group]}
    found = [g for g, dataset in groups.items() if variable in dataset.data_vars]
    if len(found) > 1:
        raise ResultSchemaError(
            f"{variable!r} is in the groups {' and '.join(found)}: write '{found[0]}/{variable}' or '{found[1]}/{variable}'"
        )
    if not found:
        known = [v for dataset in groups.values() for v in dataset.data_vars]
        raise ResultSchemaError(f"no variable {variable!r} in these results: {nearest(variable, known)}")
    return groups[found[0]][variable]
