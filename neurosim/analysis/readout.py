"""One variable of the summary by name, with what is asked of it: the one place that finds names and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurosim.errors import ResultSchemaError, UnitError, nearest

if TYPE_CHECKING:
    from neurosim.analysis.results import Results

__all__ = ["POINT", "drawn_arms", "group_of", "known_name", "place_of", "readout", "select", "selected", "variable_of"]

#: Dimension along which drawn axes go.
POINT = "point"
#: Numbers of an axis this close, relative to their size, are the same: they were divided and rounded on their way.
_SAME = 1e-5


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
        As :func:`select`.

    Raises
    ------
    ResultSchemaError
        A variable, dimension or label that the results do not have.
    """
    wanted = {"arm": arm or drawn_arms(results), "phase": phase or results.phases[-1]}
    values = variable_of(results.summary, name)
    return selected(values, {k: v for k, v in wanted.items() if k in values.dims} | selection)


def select(tree: xr.DataTree, name: str, **labels: Any) -> xr.DataArray:
    """A variable of a summary, or of what :func:`~neurosim.analysis.compare` gives, at labels; lazy.

    Parameters
    ----------
    tree : DataTree
    name : str
        ``firing_rate``; with its group where two groups have one of that name: ``pools/concentration``.
    **labels
        Dimension → label, which leaves the dimension out, or a list of labels, which keeps it: ``phase="drug"``,
        ``population=["DRN_HT", "VTA_DA"]``. A value on a scan axis is a number in the unit of the axis or a text with a
        unit of its own: ``dose=0.3``, ``dose="300 ug/kg"``. What is said of the entries of a dimension
        (``receptor="5-HT1A"``, ``hears="DRN"``, an axis that goes along ``point``) keeps the entries of which it is true.

    Returns
    -------
    DataArray
        In the unit of its attribute ``units``, over the dimensions that are left.

    Raises
    ------
    ResultSchemaError
        A variable, dimension or label that is not there, with the nearest that is.
    """
    return selected(variable_of(tree, name), labels)


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
    """Values at labels as :func:`select` takes them: texts exactly, numbers to rounding.

    Raises
    ------
    ResultSchemaError
        A dimension or label that the values do not have.
    """
    for name, label in selection.items():
        known = [d for d in values.dims if d in values.coords] + _columns(values)
        if name not in known:
            raise ResultSchemaError(f"{values.name or 'values'} has no dimension {name!r}: {nearest(name, known)}")
        coordinate = values[name]
        labels, is_list = _labels(label)
        wanted = [place_of(coordinate, own) for own in labels]
        if name in values.dims:
            values = values.isel({name: wanted if is_list else wanted[0]})
        else:
            alike = np.isin(coordinate.values, coordinate.values[wanted])
            values = values.isel({coordinate.dims[0]: np.flatnonzero(alike)})
    return values


def _labels(label: Any) -> tuple[list, bool]:
    """One label or several, and which: whatever holds several, of xarray and pandas too."""
    if hasattr(label, "to_numpy"):
        label = label.to_numpy()
    if isinstance(label, np.ndarray):
        return (label.tolist(), True) if label.ndim == 1 else ([label.item() if label.ndim == 0 else label], False)
    is_list = isinstance(label, Iterable) and not isinstance(label, str)
    return (list(label) if is_list else [label]), is_list


def _columns(values: xr.DataArray) -> list[str]:
    """What is said of the entries of a dimension."""
    return [str(name) for name, c in values.coords.items() if c.ndim == 1 and name not in c.dims]


def known_name(what: str, name: Any, allowed: Iterable[Any], where: str = "") -> Any:
    """A name that is among those allowed; ``what`` it is of, and ``where`` it was given, are for the message.

    Raises
    ------
    ResultSchemaError
        It is not, with the nearest that is.
    """
    if name not in allowed:
        raise ResultSchemaError(f"{where}no {what} {name!r} in these results: {nearest(name, allowed)}")
    return name


def place_of(coordinate: xr.DataArray, label: Any) -> int:
    """Where on a coordinate a label first is: texts exactly, numbers to rounding, with or without a unit.

    Raises
    ------
    ResultSchemaError
        It is nowhere.
    """
    own = coordinate.values
    if own.dtype.kind in "iuf":
        return _place_of_number(coordinate, own, label)
    found = np.flatnonzero(own == label) if isinstance(label, str) else np.zeros(0, int)
    if not found.size:
        known_name(str(coordinate.name), label, own.tolist())
    return int(found[0])


def _place_of_number(coordinate: xr.DataArray, own: np.ndarray, label: Any) -> int:
    unit = coordinate.attrs.get("unit", "")
    number = _number(coordinate.name, unit, label)
    distance = np.abs(own - number)
    found = int(np.argmin(distance)) if own.size else 0
    if own.size and distance[found] <= _SAME * abs(number):
        return found
    words = "" if unit in ("", "1") else f" (in {unit})"
    closest = np.sort(own[np.argsort(distance, kind="stable")[:16]])
    allowed = ", ".join(f"{value:.6g}" for value in closest)
    more = f", ... ({own.size} in all)" if own.size > closest.size else ""
    hint = f"did you mean {own[found]:.6g}? " if own.size else ""
    raise ResultSchemaError(f"no {coordinate.name} {label!r}{words} in these results: {hint}allowed: {allowed}{more}")


def _number(name: Any, unit: str, label: Any) -> float:
    """A label of an axis of numbers in the unit of the axis."""
    from neurosim import units  # reading results must not load what describes experiments

    if isinstance(label, Real):
        return float(label)
    try:
        text = str(label)
        if unit in ("", "1", "x"):
            return float(text.strip().removesuffix("x") if unit == "x" else text)
        dimension = units.dimension_of(unit)
        return units.parse(text, dimension).to(unit)
    except (UnitError, ValueError) as error:
        reason = str(error) if isinstance(error, UnitError) else f"{label!r} is not a number"
        raise ResultSchemaError(f"no {name} {label!r} in these results: {reason}") from None


def group_of(tree: xr.DataTree, name: str) -> xr.Dataset:
    """A group of a summary by name.

    Raises
    ------
    ResultSchemaError
        No such group.
    """
    return tree[known_name("group", name, tree.children)].to_dataset()


def variable_of(tree: xr.DataTree, name: str) -> xr.DataArray:
    """A variable of a summary by name, with its group where two groups have one of that name.

    Raises
    ------
    ResultSchemaError
        No such variable or group; a name that is in two groups.
    """
    group, _, variable = str(name).rpartition("/")
    groups = {g: tree[g].to_dataset() for g in tree.children} if not group else {group: group_of(tree, group)}
    found = [g for g, dataset in groups.items() if variable in dataset.data_vars]
    if len(found) > 1:
        raise ResultSchemaError(
            f"{variable!r} is in the groups {' and '.join(found)}: write '{found[0]}/{variable}' or '{found[1]}/{variable}'"
        )
    if not found and name in tree.children:
        own = ", ".join(map(str, tree[name].data_vars))
        raise ResultSchemaError(f"{name!r} is a group, not a variable: name one of its variables, {own}")
    if not found:
        known_name("variable", variable, _names(groups))
    return groups[found[0]][variable]


def _names(groups: Mapping[str, xr.Dataset]) -> Sequence[str]:
    """What a wrong name may have meant: how trials ended is asked for by its right name or not at all."""
    likely = {g: dataset for g, dataset in groups.items() if g != "trials"} or groups
    return [str(variable) for dataset in likely.values() for variable in dataset.data_vars]
