"""Groups of a trial file, written by netCDF4's hand and xarray's conventions but without xarray.

A trial has sixty small variables: xarray takes longer to write them than netCDF4, and longer to import than a short trial to
run. A test holds the file to the one that xarray writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import netCDF4

__all__ = ["COMPRESSION", "WORTH_COMPRESSING", "Column", "Group", "write_groups"]

# plain h5py, ncdump and h5dump read gzip and check the sums; they cannot read zstd or blosc
# (level 4 takes twice as long as 1 for one hundredth of the size; compressing a few numbers makes a file larger)
COMPRESSION = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}
WORTH_COMPRESSING = 128
#: Bytes of a variable from which on it is worth a chunk by itself.
_LARGE = 1 << 14


class Column(NamedTuple):
    """A variable: as xarray takes it, a tuple of dimensions, values, attributes and encoding."""

    dims: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any] = {}
    encoding: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Group:
    """Variables and coordinates of a group of a file.

    Parameters
    ----------
    variables, coords : mapping, name → tuple
        Dimensions, values and, as needed, attributes and encoding; values alone are a coordinate that is its own dimension.
        The encoding ``{"dtype": "S1"}`` stores texts as an array of characters, which compresses.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    coords: Mapping[str, Any] = field(default_factory=dict)

    def columns(self) -> dict[str, Column]:
        """All of them, variables first."""
        return {name: _column(name, given) for name, given in {**self.variables, **self.coords}.items()}

    def labels(self) -> dict[str, list]:
        """Coordinate → its values."""
        return {name: _column(name, given).values.tolist() for name, given in self.coords.items()}


def _column(name: str, given: Any) -> Column:
    dims, values, *more = given if isinstance(given, tuple) else ((name,), given)
    return Column((dims,) if isinstance(dims, str) else tuple(dims), np.asarray(values), *more)


def write_groups(path: Path, root: Mapping[str, Any], groups: Mapping[str, Group]) -> dict[str, np.ndarray]:
    """Write a file with ``root`` as its attributes.

    Returns
    -------
    dict, path within the file → values
        Large compressed variables, which are defined and are left to :func:`~neurosim.recording.chunks.write_chunks`.
    """
    import netCDF4  # not by a process that only reads, or begins a run

    # All definitions before all values: netCDF-C writes and flushes the definitions of the whole file whenever a value
    # follows one.
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(root)
        defined = [pair for name, group in groups.items() for pair in _define(file.createGroup(name), group)]
        left = {}
        for variable, values in defined:
            if _is_large(variable, values):
                left[f"{variable.group().path}/{variable.name}"] = values
            else:
                variable[...] = values
    return left


def _is_large(variable: netCDF4.Variable, values: np.ndarray) -> bool:
    return values.nbytes >= _LARGE and values.dtype.kind in "iuf" and variable.filters()["zlib"]


def _define(file: netCDF4.Group, group: Group) -> Iterator[tuple[netCDF4.Variable, np.ndarray]]:
    columns = group.columns()
    beside = sorted(name for name in group.coords if columns[name].dims != (name,))
    for column in columns.values():
        for dim, size in zip(column.dims, column.values.shape, strict=True):
            if dim not in file.dimensions:
                file.createDimension(dim, size)
    for name, column in columns.items():
        told = [other for other in beside if set(columns[other].dims) <= set(column.dims)]
        attributes = dict(column.attributes)
        if told and name not in group.coords:
            # how CF says which coordinates go with a variable
            attributes["coordinates"] = " ".join(told)
        yield _define_variable(file, name, column._replace(attributes=attributes))


def _define_variable(file: netCDF4.Group, name: str, column: Column) -> tuple[netCDF4.Variable, np.ndarray]:
    dims, values, attributes = column.dims, column.values, dict(column.attributes)
    kind, options, fill = values.dtype.kind, {}, None
    if kind == "U" and column.encoding.get("dtype") == "S1":
        values = np.char.encode(values, "utf-8")
        width = values.dtype.itemsize
        values = values[..., None].view("S1").reshape(*values.shape, width)
        dims, attributes["_Encoding"], options = (*dims, f"string{width}"), "utf-8", COMPRESSION
        if dims[-1] not in file.dimensions:
            file.createDimension(dims[-1], width)
    elif kind in "iuf" and values.size >= WORTH_COMPRESSING:
        options = COMPRESSION
    if kind == "f":
        fill = values.dtype.type(np.nan)
    made = file.createVariable(name, str if kind == "U" and not options else values.dtype, dims, fill_value=fill, **options)
    made.set_auto_maskandscale(False)
    made.set_auto_chartostring(False)
    made.setncatts(attributes)
    return made, values.astype(object) if values.dtype.kind == "U" else values
